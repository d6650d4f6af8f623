package streamable

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// finishedKept is how many answered streams a session keeps, of up to maxUnread
// bytes together, for a reader that lost its connection.
const finishedKept = 8

// session is one client's conversation.
type session struct {
	id        string
	principal authz.Principal
	stateless bool // it is of requests that stand for themselves, of any clients of the principal

	begun chan struct{} // closed when the conversation takes messages
	ended chan struct{} // closed when it has ended
	feed  sync.Mutex    // one message at a time
	each  func(line []byte, m *wire.Message, err error)
	gone  func() // tells it that nothing follows

	mu       sync.Mutex
	closed   bool
	listens  func()              // is told of a reader of general; nil for nobody
	waiting  map[wire.Key]*asked // requests of the client, by the id that the conversation knows
	tokens   map[wire.Key]*asked // by progress token
	count    int                 // of requests that were given an id
	streams  int                 // of requests, which number them
	newest   []*asked            // requests that are not answered, oldest first
	general  *stream             // what belongs to no request
	listened bool                // somebody reads general
	finished []*stream
	used     time.Time
}

// open starts a conversation for a principal; ended is called when it is over.
func open(ctx context.Context, principal authz.Principal, stateless bool, talk Talk, ended func(*session)) *session {
	s := &session{id: rand.Text() + rand.Text(), principal: principal, stateless: stateless, begun: make(chan struct{}), ended: make(chan struct{}),
		waiting: map[wire.Key]*asked{}, tokens: map[wire.Key]*asked{}, general: newStream("0"), used: time.Now()}
	s.general.standing = true
	go func() {
		defer ended(s)
		talk(ctx, principal, s)
		close(s.ended)
		s.end()
	}()
	return s
}

// Begin has each called with the client's messages, one after the other, in the
// goroutine of the request that brought it, and gone at its end.
func (s *session) Begin(each func(line []byte, m *wire.Message, err error), gone func()) {
	s.mu.Lock()
	s.each, s.gone = each, gone
	close(s.begun)
	closed := s.closed
	s.mu.Unlock()
	if closed {
		gone()
	}
}

// say gives the conversation a message; false if it has ended.
func (s *session) say(m *wire.Message) bool {
	select {
	case <-s.begun:
	case <-s.ended:
		return false
	}
	s.feed.Lock()
	defer s.feed.Unlock()
	if s.over() {
		return false
	}
	s.each(m.Raw, m, nil) // if it ends meanwhile, so does the stream of what was asked
	return true
}

func (s *session) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ended:
		return true
	default:
		return s.closed
	}
}

// close lets the conversation end: its requests are still answered.
func (s *session) close() {
	s.mu.Lock()
	gone := s.gone
	if s.closed {
		gone = nil // was told
	}
	s.closed = true
	s.mu.Unlock()
	if gone != nil {
		gone()
	}
}

// cancelled marks a request that its client gave up.
func (s *session) cancelled(id wire.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.waiting[id.Key()]; a != nil {
		a.cancelled = true
		a.end()
	}
}

// Came is how a request came in.
func (s *session) Came(id wire.Key) Came {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.waiting[id]; a != nil {
		return a.came
	}
	return Came{}
}

// Send takes what the conversation says to the client, and gives it to the stream
// that it belongs to. m is the message that the line is, if it was read.
func (s *session) Send(line []byte, m *wire.Message) bool {
	if m == nil {
		var err error
		if m, err = wire.ReadServer(line, wire.Limits{Bytes: len(line) + 1}); err != nil {
			return true // the conversation says messages only
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Kind == wire.Response {
		s.answer(m)
		return true
	}
	st := s.general
	if about := s.about(m); about != nil {
		st, line = about.stream, about.restore(m)
	} else if working := s.working(m); working != nil {
		st = working.stream
	} else if s.stateless {
		return true // there is nowhere to listen but at a request
	}
	st.put(line, false)
	return true
}

// Close does nothing: what was said is where its readers find it.
func (s *session) Close() {}

// stream finds the stream that an event id names.
func (s *session) stream(id string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.general.id == id {
		return s.general
	}
	for _, a := range s.newest {
		if a.stream.id == id {
			return a.stream
		}
	}
	for _, st := range s.finished {
		if st.id == id {
			return st
		}
	}
	return nil
}

// idle reports for how long nothing was asked, and nothing is in progress.
func (s *session) idle(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.waiting {
		if !a.cancelled {
			return 0
		}
	}
	return now.Sub(s.used)
}

// listen takes the right to read general; unlisten gives it back.
func (s *session) listen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listened {
		return false
	}
	s.listened = true
	if s.listens != nil {
		s.listens()
	}
	return true
}

// OnListen has f called, which must not block, when somebody begins to read what
// belongs to no request.
func (s *session) OnListen(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listens = f; s.listened {
		f()
	}
}

func (s *session) unlisten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listened = false
}

func (s *session) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = time.Now()
}

// end ends every stream.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.waiting {
		a.stream.put(nil, true)
		a.end()
	}
	s.general.put(nil, true)
}
