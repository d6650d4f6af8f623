package remote

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// errCancelled answers a request that was cancelled, so that it is settled.
var errCancelled = errors.New("cancelled")

// modern writes the headers that repeat the body of a message that carries its
// own protocol version. They are made from the body that was judged, whatever the
// client's said. Source: MCP 2026-07-28, transports: streamable HTTP.
func (s *Server) modern(r *http.Request, m *wire.Message) {
	if m.Version == "" {
		return
	}
	r.Header.Del("Mcp-Session-Id")
	for name, values := range s.headers(m.ID.Key()) {
		r.Header[name] = values
	}
	r.Header.Set("Mcp-Protocol-Version", encodeHeader(m.Version))
	r.Header.Set("Mcp-Method", encodeHeader(m.Method))
	if m.Name != "" {
		r.Header.Set("Mcp-Name", encodeHeader(m.Name))
	}
}

// encodeHeader writes what a header cannot hold as =?base64?…?=.
func encodeHeader(value string) string {
	plain := value == strings.TrimSpace(value) && !strings.HasPrefix(value, "=?base64?") &&
		!strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
	if plain {
		return value
	}
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(value)) + "?="
}

// cancellable returns a context that ends when the request with this id is cancelled.
func (s *Server) cancellable(id wire.Key) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancels[id] = cancel
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.cancels, id)
	}
}

// cancelRequest closes the stream of a request; false if there is none to close.
func (s *Server) cancelRequest(id wire.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	cancel, ok := s.cancels[id]
	if ok {
		cancel()
	}
	return ok
}
