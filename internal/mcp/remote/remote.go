package remote

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// ErrUnreachable is the class of a server that does not answer.
var ErrUnreachable = errors.New("server cannot be reached")

// Prefix begins the messages of errors that answer a request in the server's place.
const Prefix = "ecs-mcp-proxy: "

// codeInternal is JSON-RPC's. Source: JSON-RPC 2.0 section 5.1.
const codeInternal = -32603

// Server is a connection to a server. It is told lines by Send, and hands on what
// the server says; while it has nothing to do it holds no goroutine, no buffer and
// no connection but those of the stream that Listen opened.
type Server struct {
	url    string
	client *http.Client
	limits wire.Limits
	// headers that belong to a request, beside those that repeat its envelope.
	headers func(wire.Key) http.Header
	sign    func(context.Context, *http.Request, []byte) error
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}

	saying sync.Mutex // one message at a time
	each   func(line []byte, m *wire.Message, err error)
	ended  func()

	working sync.WaitGroup // messages that were told and are not dealt with
	queue   queue

	mu      sync.Mutex
	closed  bool // nothing more is told
	session string
	version string
	begun   map[wire.Key]bool // requests that were sent and whose end was not seen
	failed  bool              // it ended otherwise than by Stop
	// cancels are the requests of a version without sessions: closing the stream
	// is how they are cancelled. An id may be used again before the stream of the
	// request that had it has ended.
	cancels map[*wire.Message]cancellable
	standing
}

// Config is what a connection is made of.
type Config struct {
	URL       string // of the server's endpoint
	Limits    wire.Limits
	Transport http.RoundTripper // nil for Go's own
	// Headers are those that came with a request and repeat its arguments; nil for none.
	Headers func(wire.Key) http.Header
	// Sign signs a request with this body, and is the last to change it. A request
	// that it fails for is not sent. nil: requests are not signed.
	Sign func(ctx context.Context, r *http.Request, body []byte) error
}

// Open connects to a server; nothing is sent yet.
func Open(c Config) *Server {
	if c.Headers == nil {
		c.Headers = func(wire.Key) http.Header { return nil }
	}
	s := &Server{url: c.URL, limits: c.Limits, headers: c.Headers, sign: c.Sign,
		ended: func() {}, done: make(chan struct{}), cancels: map[*wire.Message]cancellable{}, begun: map[wire.Key]bool{},
		client: &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Begin has each called with what the server says, one message after the other: the
// line and, if it can be read, the message; and then ended. It comes before Send.
func (s *Server) Begin(each func(line []byte, m *wire.Message, err error), ended func()) {
	s.each, s.ended = each, ended
}

// Send tells the server a line and does not wait for what comes of it; false if it
// will never be sent. m is the message that the line is, or nil.
func (s *Server) Send(line []byte, m *wire.Message) bool {
	if m == nil {
		var err error
		if m, err = wire.ReadClient(line, s.limits); err != nil {
			return true // the conversation sends what was read before
		}
	}
	if m.Method == "notifications/cancelled" && s.cancelRequest(m.RequestID.Key()) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	ready, ok := s.queue.add(m)
	if !ok { // it takes nothing: what waits for it must not fill the memory
		s.failed = true
		s.cancel()
		s.close()
		return false
	}
	s.takes(m)
	s.working.Add(1)
	s.start(ready)
	return true
}

// start deals with messages whose turn has come; the caller holds the lock.
func (s *Server) start(ready []*wire.Message) {
	for _, m := range ready {
		go func() {
			defer s.working.Done()
			s.post(m)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.start(s.queue.end(m))
		}()
	}
}

// Close ends what it is told; what is under way is still answered.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
}

// close is Close; the caller holds the lock.
func (s *Server) close() {
	if s.closed {
		return
	}
	s.closed = true
	go func() {
		s.working.Wait()
		s.leave()
		s.cancel()
		s.saying.Lock()
		defer s.saying.Unlock()
		close(s.done)
		s.ended()
	}()
}

// Done is closed when the connection has ended. Nothing is said after it.
func (s *Server) Done() <-chan struct{} { return s.done }

// Kill ends the connection at once.
func (s *Server) Kill() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = true
	s.close()
}

// Stop ends the session, after at most grace, and returns when the connection
// has ended; clean says that it did so by itself.
func (s *Server) Stop(grace time.Duration) (clean bool) {
	s.Close()
	select {
	case <-s.done:
	case <-time.After(grace):
		s.cancel()
		<-s.done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.failed
}

// request prepares one request with the session's headers.
func (s *Server) request(ctx context.Context, method string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != "" {
		r.Header.Set("Mcp-Session-Id", s.session)
	}
	if s.version != "" {
		r.Header.Set("Mcp-Protocol-Version", s.version)
	}
	return r, nil
}

func (s *Server) begins(id wire.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun[id.Key()] = true
}

func (s *Server) ends(id wire.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.begun, id.Key())
}

// Working reports whether a request was sent and neither its answer nor another
// end of it was seen, as when its stream broke or was closed: the server may go
// on with it. Asked again, it says false.
func (s *Server) Working(id wire.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	working := s.begun[id]
	delete(s.begun, id)
	return working
}

// say hands on what the server said.
func (s *Server) say(line []byte, m *wire.Message, err error) {
	s.saying.Lock()
	defer s.saying.Unlock()
	select {
	case <-s.done:
	default:
		s.each(line, m, err)
	}
}

func (s *Server) bytes() int {
	if s.limits.Bytes > 0 {
		return s.limits.Bytes
	}
	return 16 << 20
}
