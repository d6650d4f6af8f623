package remote

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// begin notes what the answer to initialize settled.
func (s *Server) begin(response *http.Response, answer *wire.Message) {
	var result struct {
		ProtocolVersion string `json:"protocolVersion"`
	}
	_ = json.Unmarshal(answer.Result, &result) // an error has none
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.version = response.Header.Get("Mcp-Session-Id"), result.ProtocolVersion
}

func (s *Server) inSession() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session != ""
}

// listen opens the stream of what belongs to no request, if the server has one.
func (s *Server) listen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listens || s.quiet {
		return
	}
	s.listens = true
	go func() {
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
					if m, err := wire.ReadServer(line, s.limits); err == nil && m.Kind == wire.Response {
						s.ends(m.ID)
					}
					s.say(line)
				})
				response.Body.Close()
			}
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
			}
		}
	}()
}

// leave ends the session at the server; a server that cannot is left alone.
func (s *Server) leave() {
	if !s.inSession() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if r, err := s.request(ctx, http.MethodDelete, nil); err == nil {
		if response, err := s.do(r, nil); err == nil {
			response.Body.Close()
		}
	}
}
