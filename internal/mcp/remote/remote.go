package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
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

// most is how many requests are under way at the same time.
const most = 256

// Server is a connection to a server. Its Write takes lines, its Read gives them.
type Server struct {
	url    string
	client *http.Client
	limits wire.Limits
	// headers that belong to a request, beside those that repeat its envelope.
	headers func(wire.Key) http.Header
	sign    func(context.Context, *http.Request, []byte) error
	quiet   bool
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}

	lines *io.PipeReader // that the server says
	out   *io.PipeWriter
	in    *io.PipeReader // that it is told
	told  *io.PipeWriter

	writing sync.Mutex // one line at a time
	working sync.WaitGroup

	mu      sync.Mutex
	session string
	version string
	listens bool
	failed  bool // it ended otherwise than by Stop
	// cancels are the requests of a version without sessions: closing the stream
	// is how they are cancelled.
	cancels map[wire.Key]context.CancelFunc
	begun   map[wire.Key]bool // requests that were sent and whose end was not seen
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
	// Quiet: what belongs to no request is not listened for.
	Quiet bool
}

// Open connects to a server; nothing is sent yet.
func Open(c Config) *Server {
	if c.Headers == nil {
		c.Headers = func(wire.Key) http.Header { return nil }
	}
	s := &Server{url: c.URL, limits: c.Limits, headers: c.Headers, sign: c.Sign, quiet: c.Quiet,
		done: make(chan struct{}), cancels: map[wire.Key]context.CancelFunc{}, begun: map[wire.Key]bool{},
		client: &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.lines, s.out = io.Pipe()
	s.in, s.told = io.Pipe()
	go s.run()
	return s
}

// Read gives what the server says, as lines.
func (s *Server) Read(b []byte) (int, error) { return s.lines.Read(b) }

// Write tells it lines.
func (s *Server) Write(b []byte) (int, error) { return s.told.Write(b) }

// Close ends what it is told; what is under way is still answered.
func (s *Server) Close() error { return s.told.Close() }

// Done is closed when the connection has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// Kill ends the connection at once.
func (s *Server) Kill() {
	s.fail()
	s.cancel()
	s.told.Close()
}

// Stop ends the session, after at most grace, and returns when the connection
// has ended; clean says that it did so by itself.
func (s *Server) Stop(grace time.Duration) (clean bool) {
	s.told.Close()
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

func (s *Server) fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = true
}

// run sends every line until there are no more.
func (s *Server) run() {
	defer close(s.done)
	defer s.out.Close()
	defer s.cancel()
	lines := wire.NewLineReader(s.in, s.limits.Bytes)
	slots := make(chan struct{}, most)
	for {
		line, err := lines.Next()
		if err != nil {
			break
		}
		m, err := wire.ReadClient(line, s.limits)
		if err != nil {
			continue // the conversation sends what was read before
		}
		if m.Method == "initialize" || m.Method == "notifications/initialized" { // what follows needs the session, and comes after it
			s.post(m)
			continue
		}
		if m.Method == "notifications/cancelled" && s.cancelRequest(m.RequestID.Key()) {
			continue
		}
		slots <- struct{}{}
		s.working.Go(func() {
			defer func() { <-slots }()
			s.post(m)
		})
	}
	s.working.Wait()
	s.leave()
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

// post sends one message and passes on what answers it.
func (s *Server) post(m *wire.Message) {
	if err := s.exchange(m); err != nil && m.Kind == wire.Request && s.ctx.Err() == nil {
		s.say(wire.ErrorResponse(m.ID, codeInternal, Prefix+err.Error(), nil))
	}
}

func (s *Server) exchange(m *wire.Message) error {
	ctx := s.ctx
	if m.Version != "" {
		var end func()
		ctx, end = s.cancellable(m.ID.Key())
		defer end()
	}
	r, err := s.request(ctx, http.MethodPost, m.Raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	s.modern(r, m)
	if m.Kind == wire.Request {
		s.begins(m.ID)
	}
	response, err := s.do(r, m.Raw)
	if err != nil {
		op := new(net.OpError)
		unsigned := errors.Is(err, ErrUnsigned)
		if unsigned || errors.As(err, &op) && op.Op == "dial" {
			s.ends(m.ID) // it was not sent
		}
		if ctx.Err() != nil {
			return errCancelled
		}
		if unsigned {
			return err
		}
		return fmt.Errorf("%w; the call may have taken effect", ErrUnreachable) // the error names the URL and nothing more
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotFound && m.Version == "" && s.inSession():
		s.ends(m.ID)
		if m.Kind == wire.Request {
			s.say(wire.ErrorResponse(m.ID, codeInternal, Prefix+ErrUnreachable.Error()+": it has forgotten the session, so the request was not performed; try again", nil))
		}
		s.Kill() // the session is forgotten: begin anew
		return fmt.Errorf("%w: it has forgotten the session", ErrUnreachable)
	case response.StatusCode == http.StatusAccepted || m.Kind != wire.Request && response.StatusCode < 300:
		if m.Method == "notifications/initialized" {
			s.listen()
		}
		return nil
	}
	answered, err := s.take(response, m)
	if err != nil || answered {
		return err
	}
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != "text/event-stream" {
		s.ends(m.ID) // what it answered is no message, and is all there will be
	}
	if err := s.forbidden(response); err != nil {
		return err
	}
	return fmt.Errorf("%w: it answered with status %d and no message", ErrUnreachable, response.StatusCode)
}

// take passes on the messages of a response. It says whether the request's own
// answer was among them.
func (s *Server) take(response *http.Response, m *wire.Message) (answered bool, err error) {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return false, nil
	}
	each := func(line []byte) {
		a, err := wire.ReadServer(line, s.limits)
		if err == nil && a.Kind == wire.Response && a.ID.Key() == m.ID.Key() {
			answered = true
			s.ends(m.ID)
			if m.Method == "initialize" {
				s.begin(response, a)
			}
		}
		s.say(line)
	}
	switch media {
	case "text/event-stream":
		err = s.events(response.Body, each)
	case "application/json":
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(response.Body, int64(s.bytes())+1)); err == nil && len(b) <= s.bytes() && response.StatusCode < 300 {
			each(oneLine(b))
		} else if err == nil && len(b) <= s.bytes() {
			// An error: its id may be null, so it is only passed on if it answers.
			if a, failed := wire.ReadServer(oneLine(b), s.limits); failed == nil && a.Kind == wire.Response && a.ID.Key() == m.ID.Key() {
				each(oneLine(b))
			}
		}
	}
	return answered, err
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

// say passes a line on.
func (s *Server) say(line []byte) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := s.out.Write(append(line, '\n')); err != nil {
		s.cancel() // nobody reads
	}
}

func (s *Server) bytes() int {
	if s.limits.Bytes > 0 {
		return s.limits.Bytes
	}
	return 16 << 20
}
