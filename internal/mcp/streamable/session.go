package streamable

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// finishedKept is how many answered streams a session keeps for a reader that
// lost its connection.
const finishedKept = 8

// session is one client's conversation.
type session struct {
	id        string
	principal authz.Principal

	in    *io.PipeWriter // lines to the conversation
	feed  sync.Mutex     // one line at a time
	ended chan struct{}  // closed when the conversation has ended

	mu       sync.Mutex
	waiting  map[wire.Key]*asked // requests of the client, by the id that the conversation knows
	tokens   map[wire.Key]*asked // by progress token
	count    int                 // of requests that were given an id
	newest   []*asked            // requests that are not answered, oldest first
	general  *stream             // what belongs to no request
	listened bool                // somebody reads general
	finished []*stream
	used     time.Time
	partial  []byte // of a line
}

// asked is a request that is not answered.
type asked struct {
	stream    *stream
	came      Came
	id, token wire.ID  // as the client sent them, if they were replaced
	own       wire.ID  // that the conversation knows it by, if it was replaced
	key       wire.Key // likewise, always
	tokenKey  wire.Key
	end       func() // tells that it is not in progress any more

	cancelled  bool // by its client: no answer need come
	subscribes bool // to what happens, and is answered when it is over
}

// sessionless: a POST of 2026-07-28, which stands for itself.
func (a *asked) sessionless() bool { return !a.own.IsZero() }

// open starts a conversation for a principal.
func open(ctx context.Context, principal authz.Principal, talk Talk) *session {
	read, write := io.Pipe()
	s := &session{id: rand.Text() + rand.Text(), principal: principal, in: write, ended: make(chan struct{}),
		waiting: map[wire.Key]*asked{}, tokens: map[wire.Key]*asked{}, general: newStream(rand.Text()), used: time.Now()}
	go func() {
		defer close(s.ended)
		talk(ctx, principal, read, s, s.came)
		read.CloseWithError(io.ErrClosedPipe)
		s.end()
	}()
	return s
}

// say gives the conversation a line; false if it has ended.
func (s *session) say(line []byte) bool {
	s.feed.Lock()
	defer s.feed.Unlock()
	_, err := s.in.Write(append(line, '\n'))
	return err == nil
}

// close lets the conversation end: its requests are still answered.
func (s *session) close() { _ = s.in.Close() }

// expect returns the stream for a request's answer; nil if its id is in use. end
// is called when the request is answered, cancelled, or never will be.
func (s *session) expect(m *wire.Message, came Came, end func()) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[m.ID.Key()] != nil {
		return nil
	}
	return s.note(&asked{key: m.ID.Key(), tokenKey: m.Token().Key(), came: came, end: end}).stream
}

// note keeps a request; the caller holds the lock.
func (s *session) note(a *asked) *asked {
	a.stream = newStream(rand.Text())
	if a.end == nil {
		a.end = func() {}
	}
	s.waiting[a.key] = a
	if a.tokenKey != (wire.Key{}) {
		s.tokens[a.tokenKey] = a
	}
	s.newest = append(s.newest, a)
	s.used = time.Now()
	return a
}

// forget takes a request out; the caller holds the lock.
func (s *session) forget(a *asked) {
	a.end()
	delete(s.waiting, a.key)
	if s.tokens[a.tokenKey] == a {
		delete(s.tokens, a.tokenKey)
	}
	s.newest = slices.DeleteFunc(s.newest, func(other *asked) bool { return other == a })
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

// came is how a request came in.
func (s *session) came(id wire.Key) Came {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.waiting[id]; a != nil {
		return a.came
	}
	return Came{}
}

// Write takes what the conversation says to the client: whole lines, in whatever pieces.
func (s *session) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		if !whole {
			s.partial = append(s.partial, b...)
			return n, nil
		}
		if len(s.partial) > 0 {
			line = append(s.partial, line...)
			s.partial = nil
		} else {
			line = bytes.Clone(line)
		}
		s.route(line)
		b = rest
	}
}

// route gives a line to the stream it belongs to.
func (s *session) route(line []byte) {
	m, err := wire.ReadServer(line, wire.Limits{Bytes: len(line) + 1})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return // the conversation writes messages only
	}
	if m.Kind == wire.Response {
		s.answer(m)
		return
	}
	st := s.general
	if about := s.about(m); about != nil {
		st, line = about.stream, about.restore(m)
	} else if working := s.working(); working != nil && (m.Kind == wire.Request || working.sessionless()) {
		// A server's question is about what it is working on, and the client may
		// only listen there; without a session there is nowhere else to listen. Which
		// of several that is, a line does not say.
		st = working.stream
	}
	st.put(line, false)
}

// working is the newest request that a client waits for; nil if there is none. A
// subscription is nothing to work on.
func (s *session) working() *asked {
	for _, a := range slices.Backward(s.newest) {
		if !a.cancelled && !a.subscribes {
			return a
		}
	}
	return nil
}

// about is the request that a message belongs to; nil if it does not say.
func (s *session) about(m *wire.Message) *asked {
	for _, id := range []wire.ID{m.ID, m.RequestID} { // a question of the proxy's own, or its end
		if about := id.About(); !about.IsZero() {
			return s.waiting[about.Key()]
		}
	}
	if m.Kind != wire.Notification {
		return nil
	}
	if a := s.waiting[m.SubscriptionID.Key()]; a != nil && !m.SubscriptionID.IsZero() {
		return a
	}
	if token := m.Token(); !token.IsZero() {
		return s.tokens[token.Key()]
	}
	return nil
}

// restore puts the client's own ids back into a message about its request.
func (a *asked) restore(m *wire.Message) []byte {
	if a.id.IsZero() {
		return m.Raw
	}
	return m.Rename(func(id wire.ID) wire.ID {
		switch {
		case id.Key() == a.key:
			return a.id
		case id.Key() == a.tokenKey:
			return a.token
		}
		return id
	})
}

// answer ends the stream of a request; the caller holds the lock.
func (s *session) answer(m *wire.Message) {
	a := s.waiting[m.ID.Key()]
	if a == nil {
		return // its reader was told otherwise
	}
	s.forget(a)
	a.stream.put(a.restore(m), true)
	s.finished = append(s.finished, a.stream)
	if len(s.finished) > finishedKept {
		s.finished = s.finished[1:]
	}
	s.used = time.Now()
}

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
	return true
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
