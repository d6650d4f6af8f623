package remote

import (
	"mime"
	"net/http"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// standing is when the stream of what belongs to no request is opened: when the
// session has begun and somebody listens, for it costs a connection.
type standing struct{ greets, wanted, open bool }

// Listen opens the stream of what belongs to no request, as soon as the session has begun.
func (s *Server) Listen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = true
	s.listen()
}

// greeted: the session has begun.
func (s *Server) greeted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greets = true
	s.listen()
}

// listen opens the stream if it is due; the caller holds the lock.
func (s *Server) listen() {
	if s.greets && s.wanted && !s.open {
		s.open = true
		go s.stand()
	}
}

// stand keeps the stream open, if the server has one.
func (s *Server) stand() {
	for pause := time.Second; s.ctx.Err() == nil; pause = min(2*pause, time.Minute) {
		r, err := s.request(s.ctx, http.MethodGet, nil)
		if err != nil {
			return
		}
		response, err := s.do(r, nil)
		if err == nil {
			media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
			if response.StatusCode != http.StatusOK || media != "text/event-stream" {
				response.Body.Close()
				return // it has none
			}
			_ = s.events(response.Body, func(line []byte) { // it ends, and is opened again
				m, err := wire.ReadServer(line, s.limits)
				if err == nil && m.Kind == wire.Response {
					s.ends(m.ID)
				}
				s.say(line, m, err)
			})
			response.Body.Close()
		}
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
		}
	}
}
