package streamable

import (
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// respond writes one message, within the time of one event.
func respond(w http.ResponseWriter, status int, message []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // a writer without deadlines does not wait
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(message) // the reader went away; nothing was lost but its answer
}

// fail says why a request is not served, in the form that clients show.
func fail(w http.ResponseWriter, status int, why string) {
	if (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "1")
	}
	respond(w, status, wire.ErrorResponse(wire.ID{}, wire.CodeInvalidRequest, "ecs-mcp-proxy: "+why, nil))
}

// refuse answers a request that is refused before its message is looked at.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, principal authz.Principal, status int, why string) {
	s.tell(r, principal, status, why)
	fail(w, status, why)
}

func (s *Server) tell(r *http.Request, principal authz.Principal, status int, why string) {
	if s.config.Refused != nil {
		s.config.Refused(r, principal, status, why)
	}
}

// accepts reports whether a reader takes a media type.
func accepts(r *http.Request, media string) bool {
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			got, _, err := mime.ParseMediaType(strings.TrimSpace(part))
			major, _, _ := strings.Cut(media, "/")
			if err == nil && (got == media || got == "*/*" || got == major+"/*") {
				return true
			}
		}
	}
	return false
}
