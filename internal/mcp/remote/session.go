package remote

import (
	"context"
	"encoding/json"
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
