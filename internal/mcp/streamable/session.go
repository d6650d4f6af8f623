package streamable

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
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
	waiting  map[wire.Key]*stream // requests of the client, by id
	tokens   map[wire.Key]*stream // by progress token
	newest   []*stream            // streams of requests, oldest first
	general  *stream              // what belongs to no request
	listened bool                 // somebody reads general
	finished []*stream
	used     time.Time
	partial  []byte // of a line
}

// open starts a conversation for a principal.
func open(ctx context.Context, principal authz.Principal, talk Talk) *session {
	read, write := io.Pipe()
	s := &session{id: rand.Text() + rand.Text(), principal: principal, in: write, ended: make(chan struct{}),
		waiting: map[wire.Key]*stream{}, tokens: map[wire.Key]*stream{}, general: newStream(rand.Text()), used: time.Now()}
	go func() {
		defer close(s.ended)
		talk(ctx, principal, read, s)
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

// expect returns the stream for a request's answer; nil if its id is in use.
func (s *session) expect(m *wire.Message) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[m.ID.Key()] != nil {
		return nil
	}
	st := newStream(rand.Text())
	s.waiting[m.ID.Key()] = st
	if token := m.Token(); !token.IsZero() {
		s.tokens[token.Key()] = st
	}
	s.newest = append(s.newest, st)
	s.used = time.Now()
	return st
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
	if token := m.Token(); m.Kind == wire.Notification && !token.IsZero() && s.tokens[token.Key()] != nil {
		st = s.tokens[token.Key()]
	} else if m.Kind == wire.Request && len(s.newest) > 0 {
		// A server's question is about what it is working on, and the client may
		// only listen there. Which of several that is, a line does not say.
		st = s.newest[len(s.newest)-1]
	}
	st.put(line, false)
}

// answer ends the stream of a request; the caller holds the lock.
func (s *session) answer(m *wire.Message) {
	key := m.ID.Key()
	st := s.waiting[key]
	if st == nil {
		return // its reader was told otherwise
	}
	delete(s.waiting, key)
	for token, other := range s.tokens {
		if other == st {
			delete(s.tokens, token)
		}
	}
	for i, other := range s.newest {
		if other == st {
			s.newest = append(s.newest[:i:i], s.newest[i+1:]...)
			break
		}
	}
	st.put(m.Raw, true)
	s.finished = append(s.finished, st)
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
	for _, list := range [][]*stream{s.newest, s.finished} {
		for _, st := range list {
			if st.id == id {
				return st
			}
		}
	}
	return nil
}

// idle reports for how long nothing was asked, and nothing is in progress.
func (s *session) idle(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 {
		return 0
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
	for _, st := range s.waiting {
		st.put(nil, true)
	}
	s.general.put(nil, true)
}
