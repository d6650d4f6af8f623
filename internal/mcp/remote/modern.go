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

// cancellable is a request that can be cancelled.
type cancellable struct {
	id     wire.Key
	ctx    context.Context
	cancel context.CancelFunc
}

// takes makes a request cancellable, from before it is sent; the caller holds the lock.
func (s *Server) takes(m *wire.Message) {
	if m.Kind != wire.Request || m.Version == "" {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.cancels[m] = cancellable{m.ID.Key(), ctx, cancel}
}

// under returns the context that ends when the message is cancelled, if it can be,
// and what ends that with its exchange.
func (s *Server) under(m *wire.Message) (ctx context.Context, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.cancels[m]
	if !ok {
		return s.ctx, func() {}
	}
	return c.ctx, func() {
		c.cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.cancels, m)
	}
}

// cancelRequest closes the stream of a request, or keeps it from being sent; false
// if there is none that can be cancelled so. One with the same id that was answered,
// and whose stream the server keeps open, is closed with it.
func (s *Server) cancelRequest(id wire.Key) (found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cancels {
		if c.id == id {
			c.cancel()
			found = true
		}
	}
	return found
}
