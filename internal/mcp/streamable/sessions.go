package streamable

import (
	"maps"
	"net/http"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

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
	return s.open(principal, false, func() {})
}

// open starts a session; the caller holds the lock. ended is called with the lock, too.
func (s *Server) open(principal authz.Principal, stateless bool, ended func()) (_ *session, status int, why string) {
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
	session := open(s.ctx, principal, stateless, s.config.Talk, func(session *session) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, session.id)
		count()
		ended()
	})
	s.sessions[session.id] = session
	return session, 0, ""
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
