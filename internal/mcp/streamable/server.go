package streamable

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Talk is one conversation: it hears the client and answers it until the client's
// end, and then returns.
type Talk func(ctx context.Context, principal authz.Principal, client Client)

// Client is a session's client, as its conversation has it.
type Client interface {
	// Begin has each called with the client's messages, one after the other: the line
	// and the message; and gone at its end. It does not wait.
	Begin(each func(line []byte, m *wire.Message, err error), gone func())
	// Send takes a line for the client, and does not wait for it to be read. m is the
	// message that the line is, if it was read.
	Send(line []byte, m *wire.Message) bool
	Close()
	// Came says how a request came in; zero for one that is not in progress.
	Came(id wire.Key) Came
	// OnListen has f called, which must not block, when the client begins to read
	// what belongs to no request.
	OnListen(f func())
}

// Config is what a Server is made of.
type Config struct {
	// Path that is served; everything else is 404.
	Path string
	Talk Talk
	// Identify says who makes a request, or why nobody is let in.
	Identify func(*http.Request) (authz.Principal, *Refusal)
	// Unreadable puts a message that cannot be read on record and returns the answer to it.
	Unreadable func(principal authz.Principal, err error) []byte
	// Refused is told of each request that was refused before its message was
	// looked at; the principal is zero if it is not known. Nil for nobody.
	Refused func(r *http.Request, principal authz.Principal, status int, why string)
	// Hosts and Origins that are served; loopback's alone when empty.
	Hosts, Origins []string
	Limits         wire.Limits
	Quota          Quota         // of each principal
	Sessions       int           // at the same time
	Idle           time.Duration // of a session, before it is closed
}

// Refusal is why a request is not let in.
type Refusal struct {
	Status int
	Header http.Header // such as WWW-Authenticate
	Why    string
}

// Server is the HTTP side of every session. It is an http.Handler.
type Server struct {
	config Config
	edge   edge
	quotas *quotas
	ctx    context.Context
	stop   context.CancelFunc

	mu        sync.Mutex
	sessions  map[string]*session
	stateless map[string]*session // by principal; they are among the sessions too
	closed    bool
}

// New returns a server. Close ends its sessions.
func New(config Config) *Server {
	s := &Server{config: config, edge: edge{config.Hosts, config.Origins}, quotas: newQuotas(config.Quota), sessions: map[string]*session{}, stateless: map[string]*session{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	go s.reap()
	return s
}

// ServeHTTP serves one request. Source: MCP, transports: streamable HTTP.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path != s.config.Path {
		fail(w, http.StatusNotFound, "there is nothing here; the endpoint is "+s.config.Path)
		return
	}
	if status, why := s.edge.refuses(r); status != 0 {
		s.refuse(w, r, authz.Principal{}, status, why)
		return
	}
	came := Came{Began: time.Now()}
	principal, refused := s.config.Identify(r)
	came.Identified = time.Now()
	if refused != nil {
		for name, values := range refused.Header {
			w.Header()[name] = values
		}
		s.refuse(w, r, principal, refused.Status, refused.Why)
		return
	}
	if !s.quotas.admit(principal) {
		w.Header().Set("Retry-After", "1")
		s.refuse(w, r, principal, http.StatusTooManyRequests, "you send more requests than limits.rate; send fewer, try again in a second")
		return
	}
	if r.Method != http.MethodPost && r.Header.Get("Mcp-Session-Id") == "" && r.Header.Get("Mcp-Protocol-Version") >= firstModern {
		w.Header().Set("Allow", "POST")
		fail(w, http.StatusMethodNotAllowed, "this protocol version has no sessions; use POST")
		return
	}
	switch r.Method {
	case http.MethodPost:
		if parents := r.Header["Traceparent"]; len(parents) == 1 {
			came.Traceparent = parents[0]
		}
		s.post(w, r, principal, came)
	case http.MethodGet:
		s.get(w, r, principal)
	case http.MethodDelete:
		s.remove(w, r, principal)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		fail(w, http.StatusMethodNotAllowed, "use POST, GET or DELETE")
	}
}

func (s *Server) post(w http.ResponseWriter, r *http.Request, principal authz.Principal, came Came) {
	line, status, why := s.body(w, r)
	if status != 0 {
		s.refuse(w, r, principal, status, why)
		return
	}
	m, err := wire.ReadClient(line, s.config.Limits)
	if err != nil {
		answer := s.config.Unreadable(principal, err)
		if !unreadableRemoved(w, r, err) {
			respond(w, http.StatusBadRequest, answer)
		}
		return
	}
	end := func() {}
	if m.Kind == wire.Request {
		var ok bool
		if end, ok = s.quotas.begin(principal); !ok {
			const why = "you have as many requests in progress as limits.concurrency; wait for one, try again"
			w.Header().Set("Retry-After", "1")
			s.tell(r, principal, http.StatusTooManyRequests, why)
			respond(w, http.StatusTooManyRequests, wire.ErrorResponse(m.ID, wire.CodeInvalidRequest, "ecs-mcp-proxy: "+why, nil))
			return
		}
	}
	if isModern(r, m) && r.Header.Get("Mcp-Session-Id") == "" {
		defer end() // whoever goes away has cancelled
		s.modern(w, r, m, principal, came)
		return
	}
	session, status, why := s.sessionFor(r, m, principal)
	if status != 0 {
		end()
		fail(w, status, why)
		return
	}
	session.touch()
	if m.Kind != wire.Request {
		if m.Method == "notifications/cancelled" {
			session.cancelled(m.RequestID)
		}
		if !session.say(m) {
			fail(w, http.StatusNotFound, "the session has ended; initialize another")
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	stream := session.expect(m, came, end)
	if stream == nil {
		end()
		respond(w, http.StatusBadRequest, wire.ErrorResponse(m.ID, wire.CodeInvalidRequest, "ecs-mcp-proxy: the id is in use by a request that is not answered yet; use another", nil))
		return
	}
	if !session.say(m) {
		end()
		fail(w, http.StatusNotFound, "the session has ended; initialize another")
		return
	}
	w.Header().Set("Mcp-Session-Id", session.id)
	if accepts(r, "text/event-stream") {
		stream.serve(w, r, 0)
		return
	}
	answer := stream.only(r.Context())
	if answer == nil {
		fail(w, http.StatusBadGateway, "the session ended before it answered")
		return
	}
	respond(w, http.StatusOK, answer)
}

// sessionFor finds the session of a message, or opens one for an initialize.
func (s *Server) sessionFor(r *http.Request, m *wire.Message, principal authz.Principal) (_ *session, status int, why string) {
	id := r.Header.Get("Mcp-Session-Id")
	if id != "" {
		session := s.find(id, principal)
		if session == nil {
			return nil, http.StatusNotFound, "there is no such session; initialize another"
		}
		return session, 0, ""
	}
	if m.Method != "initialize" || m.Kind != wire.Request {
		return nil, http.StatusBadRequest, "send the header Mcp-Session-Id that the answer to initialize had"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open(principal, func() {})
}

// open starts a session; the caller holds the lock. ended is called with the lock, too.
func (s *Server) open(principal authz.Principal, ended func()) (_ *session, status int, why string) {
	if s.closed {
		return nil, http.StatusServiceUnavailable, "the proxy is stopping; try again later"
	}
	count, ok := s.quotas.open(principal)
	if !ok {
		return nil, http.StatusTooManyRequests, "you have as many sessions as limits.principal_sessions; end one, or wait until one that is not used is closed"
	}
	if len(s.sessions) >= s.config.Sessions {
		count()
		return nil, http.StatusServiceUnavailable, "there are as many sessions as limits.sessions; try again later"
	}
	session := open(s.ctx, principal, s.config.Talk, func(session *session) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, session.id)
		count()
		ended()
	})
	s.sessions[session.id] = session
	return session, 0, ""
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, principal authz.Principal) {
	if !accepts(r, "text/event-stream") {
		fail(w, http.StatusNotAcceptable, "a GET is answered by events; accept text/event-stream")
		return
	}
	session := s.find(r.Header.Get("Mcp-Session-Id"), principal)
	if session == nil {
		fail(w, http.StatusNotFound, "there is no such session; initialize another")
		return
	}
	session.touch()
	stream, number := session.general, 0
	if last := r.Header.Get("Last-Event-Id"); last != "" {
		id, n, ok := parseEventID(last)
		if stream = session.stream(id); !ok || stream == nil {
			fail(w, http.StatusNotFound, "that event is not kept any more")
			return
		}
		number = n + 1
	} else {
		number = stream.unread()
	}
	if stream == session.general { // no message goes to two readers
		if !session.listen() {
			fail(w, http.StatusConflict, "another GET is open on this session")
			return
		}
		defer session.unlisten()
	}
	w.Header().Set("Mcp-Session-Id", session.id)
	stream.serve(w, r, number)
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request, principal authz.Principal) {
	session := s.find(r.Header.Get("Mcp-Session-Id"), principal)
	if session == nil {
		fail(w, http.StatusNotFound, "there is no such session")
		return
	}
	session.close()
	w.WriteHeader(http.StatusNoContent)
}

// find returns a principal's own session: another's is as if it were not there,
// and so is one that was opened with other tags, for calls on it would carry them.
func (s *Server) find(id string, principal authz.Principal) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.sessions[id]
	if session == nil || session.principal.Kind != principal.Kind || session.principal.ID != principal.ID || !maps.Equal(session.principal.Tags, principal.Tags) {
		return nil
	}
	return session
}

// reap closes sessions that nobody uses.
func (s *Server) reap() {
	ticker := time.NewTicker(max(s.config.Idle/10, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-ticker.C:
			s.quotas.forget(now)
			s.mu.Lock()
			for _, session := range s.sessions {
				if session.idle(now) > s.config.Idle {
					session.close()
				}
			}
			s.mu.Unlock()
		}
	}
}

// Close lets every session end, and ends what has not ended when the context is done.
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	var open []*session
	for _, session := range s.sessions {
		session.close()
		open = append(open, session)
	}
	s.mu.Unlock()
	for _, session := range open {
		select {
		case <-session.ended:
		case <-ctx.Done():
			s.stop()
			<-session.ended
		}
	}
	s.stop()
}

// body reads a request's body as one line.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (line []byte, status int, why string) {
	most := int64(s.config.Limits.Bytes)
	if most <= 0 {
		most = 16 << 20
	}
	b, err := readAll(http.MaxBytesReader(w, r.Body, most), r.ContentLength)
	if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
		return nil, http.StatusRequestEntityTooLarge, "the message is longer than limits.message_bytes; send less"
	}
	if err != nil {
		return nil, http.StatusBadRequest, "the body could not be read"
	}
	return oneLine(b), 0, ""
}

// readAll reads a body of this length; of no known one if it is not positive. It takes
// no more memory than the body needs, for a session keeps some, and not much more
// than what of it is there, for the length is only said.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length <= 0 {
		return io.ReadAll(body)
	}
	b := make([]byte, min(length, 64<<10))
	for n := 0; ; {
		m, err := io.ReadFull(body, b[n:])
		if n += m; err != nil || int64(n) == length {
			return b[:n], err
		}
		b = append(make([]byte, 0, min(length, 8*int64(n))), b...)
		b = b[:cap(b)]
	}
}

// oneLine makes a body one line: between tokens a line break means the same as a
// space. Elsewhere it is no JSON, and is left for the reader to refuse.
func oneLine(body []byte) []byte {
	if bytes.IndexByte(body, '\n') < 0 && bytes.IndexByte(body, '\r') < 0 || !json.Valid(body) {
		return body
	}
	for i, b := range body {
		if b == '\n' || b == '\r' {
			body[i] = ' '
		}
	}
	return body
}
