package streamable

import (
	"context"
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
	arrived, ok := s.quotas.arrive(principal)
	if !ok {
		s.refuse(w, r, principal, http.StatusTooManyRequests, "you are sending as many messages at the same time as limits.concurrency; send each faster, try again")
		return
	}
	line, status, why := s.body(w, r)
	arrived()
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
