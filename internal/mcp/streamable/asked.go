package streamable

import (
	"slices"
	"strconv"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

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
	s.streams++
	a.stream = newStream(strconv.Itoa(s.streams))
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

// working is the request whose client hears what does not say which it belongs to;
// nil if there is none. A server's question is about what it is working on, and
// the client may only listen there: if nobody knows better, at the newest. What is no
// question is for one of them alone, who may be clients that know nothing of each
// other, and in a session for its GET. A subscription is nothing to work on.
func (s *session) working(m *wire.Message) (newest *asked) {
	if a := s.waiting[m.About.Key()]; a != nil && !a.cancelled && !a.subscribes && (m.Kind == wire.Request || s.stateless) {
		return a
	}
	n := 0
	for _, a := range s.newest {
		if !a.cancelled && !a.subscribes {
			newest = a
			n++
		}
	}
	if m.Kind == wire.Request || s.stateless && n == 1 && m.About.IsZero() {
		return newest
	}
	return nil
}

// about is the request that a message belongs to; nil if it does not say.
func (s *session) about(m *wire.Message) *asked {
	for _, id := range []wire.ID{m.ID, m.RequestID} { // a question of the proxy's own, or its end
		// Who cancelled a call may have closed its stream.
		if a := s.waiting[id.About().Key()]; a != nil && !a.cancelled {
			return a
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
	s.used = time.Now()
	if s.stateless {
		return // nobody can come back for it
	}
	s.finished = append(s.finished, a.stream)
	for len(s.finished) > finishedKept || s.kept() > maxUnread {
		s.finished = slices.Delete(s.finished, 0, 1)
	}
}

// kept is how many bytes of answered streams are kept; the caller holds the lock.
func (s *session) kept() (bytes int) {
	for _, st := range s.finished {
		bytes += st.size()
	}
	return bytes
}
