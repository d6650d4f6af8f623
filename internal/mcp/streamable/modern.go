package streamable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// firstModern is the first protocol version without sessions: every POST stands
// for itself. Versions are dates, so later ones compare greater.
// Source: MCP 2026-07-28, transports: streamable HTTP.
const firstModern = "2026-07-28"

// JSON-RPC's codes, and MCP's own. Sources: JSON-RPC 2.0 section 5.1; MCP 2026-07-28.
const (
	codeMethodNotFound     = -32601
	codeInvalidParams      = -32602
	codeHeaderMismatch     = -32020
	codeMissingCapability  = -32021
	codeUnsupportedVersion = -32022
)

// statuses are the HTTP statuses of answers that are errors; every other is 200.
// Source: MCP 2026-07-28, transports: streamable HTTP.
var statuses = map[int]int{
	codeMethodNotFound: http.StatusNotFound, codeInvalidParams: http.StatusBadRequest, codeHeaderMismatch: http.StatusBadRequest,
	codeMissingCapability: http.StatusBadRequest, codeUnsupportedVersion: http.StatusBadRequest,
}

// removed are the methods of earlier versions that there are no more.
var removed = []string{"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"}

// saysModern reports whether the header names such a version.
func saysModern(r *http.Request) bool { return r.Header.Get("Mcp-Protocol-Version") >= firstModern }

// isModern reports whether a message is of such a version: its body says so, or
// its header does and the body is then found not to agree.
func isModern(r *http.Request, m *wire.Message) bool { return m.ModernVersion || saysModern(r) }

// disagrees says how the headers that repeat the body do not; what is decided on
// is the body, but something in between may have decided on them.
func disagrees(r *http.Request, m *wire.Message) string {
	if m.Kind == wire.Response {
		return ""
	}
	if got := r.Header.Get("Mcp-Protocol-Version"); m.Kind == wire.Request && got != m.Version {
		return fmt.Sprintf("the header MCP-Protocol-Version is %q and the body says %q", got, m.Version)
	}
	if got := r.Header.Get("Mcp-Method"); got != m.Method {
		return fmt.Sprintf("the header Mcp-Method is %q and the body says %q", got, m.Method)
	}
	switch m.Method {
	case "tools/call", "prompts/get", "resources/read", "tasks/get", "tasks/update", "tasks/cancel":
		if got, ok := wire.DecodeHeader(r.Header.Get("Mcp-Name")); !ok || got != m.Name {
			return fmt.Sprintf("the header Mcp-Name is %q and the body says %q", r.Header.Get("Mcp-Name"), m.Name)
		}
	}
	return ""
}

// modern serves one POST that stands for itself. All those of a principal go
// through one conversation, under ids that are made here; the client gets its own
// back. A client that goes away has cancelled its request.
func (s *Server) modern(w http.ResponseWriter, r *http.Request, m *wire.Message, principal authz.Principal, came Came) {
	switch {
	case slices.Contains(removed, m.Method):
		respond(w, http.StatusNotFound, wire.ErrorResponse(m.ID, codeMethodNotFound, "ecs-mcp-proxy: this protocol version has no method "+m.Method, nil))
		return
	case m.Kind == wire.Request && m.Version == "":
		respond(w, http.StatusBadRequest, wire.ErrorResponse(m.ID, codeInvalidParams, "ecs-mcp-proxy: params._meta lacks io.modelcontextprotocol/protocolVersion, or it is no string", nil))
		return
	}
	if why := disagrees(r, m); why != "" {
		respond(w, http.StatusBadRequest, wire.ErrorResponse(m.ID, codeHeaderMismatch, "ecs-mcp-proxy: "+why, nil))
		return
	}
	session, status, why := s.statelessOf(principal)
	if status != 0 {
		fail(w, status, why)
		return
	}
	session.touch()
	if m.Kind != wire.Request {
		w.WriteHeader(http.StatusAccepted) // there is nothing that it could be about
		return
	}
	came.Parameters = parameters(r.Header)
	a, line := session.adopt(m, came)
	adopted, err := wire.ReadClient(line, s.config.Limits)
	if err != nil { // it was read before, under an id that is shorter
		session.abandon(a)
		fail(w, http.StatusRequestEntityTooLarge, "the message is longer than limits.message_bytes; send less")
		return
	}
	if !session.say(adopted) {
		fail(w, http.StatusServiceUnavailable, "the servers are being started again; try again")
		return
	}
	defer session.abandon(a)
	if status, answer := a.stream.failed(r.Context()); status != 0 {
		respond(w, status, answer)
	} else if accepts(r, "text/event-stream") {
		a.stream.serve(w, r, 0)
	} else if answer := a.stream.only(r.Context()); answer != nil {
		respond(w, http.StatusOK, answer)
	}
}

// unreadableRemoved answers a message of a method that there is no more, which
// may lack what it once needed; false if it is none. The header is believed here:
// nothing is done on it.
func unreadableRemoved(w http.ResponseWriter, r *http.Request, err error) bool {
	unread := new(wire.Error)
	if !saysModern(r) || !slices.Contains(removed, r.Header.Get("Mcp-Method")) || !errors.As(err, &unread) {
		return false
	}
	respond(w, http.StatusNotFound, wire.ErrorResponse(unread.ID, codeMethodNotFound, "ecs-mcp-proxy: this protocol version has no such method", nil))
	return true
}

// failed waits for the first message and returns it with its status if it is the
// whole answer and an error that HTTP has a status for.
func (s *stream) failed(ctx context.Context) (status int, answer []byte) {
	waited, cancel := context.WithTimeout(ctx, firstMessage)
	defer cancel()
	line, ok := s.next(waited, 0, keepAlive, func() error { return nil })
	if !ok || !s.endsWith(0) {
		return 0, nil
	}
	var message struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(line, &message) != nil {
		return 0, nil
	}
	return statuses[message.Error.Code], line
}

// firstMessage is how long a stream waits for its first message before it is
// opened as one, after which its status is 200 whatever comes.
const firstMessage = time.Second

// keyOf is different for principals that differ in anything, tags included: calls
// of a conversation carry the tags that it was opened with.
func keyOf(p authz.Principal) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%q %q", p.Kind, p.ID)
	for _, tag := range slices.Sorted(maps.Keys(p.Tags)) {
		fmt.Fprintf(&key, " %q=%q", tag, p.Tags[tag])
	}
	return key.String()
}

// statelessOf is the conversation of all that a principal asks without a session.
func (s *Server) statelessOf(principal authz.Principal) (_ *session, status int, why string) {
	key := keyOf(principal)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.stateless[key]; found != nil {
		return found, 0, ""
	}
	opened, status, why := s.open(principal, true, func() { delete(s.stateless, key) })
	if opened != nil {
		s.stateless[key] = opened
	}
	return opened, status, why
}

// adopt gives a request ids of its own.
func (s *session) adopt(m *wire.Message, came Came) (*asked, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	id, token := wire.NewID(fmt.Sprintf("post-%d", s.count)), wire.ID{}
	if !m.Token().IsZero() {
		token = wire.NewID(fmt.Sprintf("progress-%d", s.count))
	}
	a := s.note(&asked{id: m.ID, own: id, token: m.Token(), key: id.Key(), tokenKey: token.Key(), came: came, subscribes: m.Method == "subscriptions/listen"})
	return a, m.Replace(id, token)
}

// abandon cancels a request whose reader has gone; nothing, if it was answered.
func (s *session) abandon(a *asked) {
	s.mu.Lock()
	waits := s.waiting[a.key] == a
	if waits {
		s.forget(a)
	}
	s.mu.Unlock()
	if waits {
		cancelled, err := wire.ReadClient(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":"the client closed the stream"}}`, a.own), wire.Limits{})
		if err == nil { // it is written here
			s.say(cancelled)
		}
	}
}
