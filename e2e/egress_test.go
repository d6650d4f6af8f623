//go:build e2e

package e2e

import (
	"net/http"
	"slices"
	"sync"
)

// egress is the server's way to the public network, closed: a proxy that
// refuses every connection at once and notes where it should have gone. With
// it the server starts alike on any machine, whatever its network does.
type egress struct {
	url string

	mu   sync.Mutex
	host []string
}

func (e *egress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.host, r.Host) {
		e.host = append(e.host, r.Host)
	}
	http.Error(w, "no egress from the end-to-end suite", http.StatusForbidden)
}

// hosts returns where the server wanted to go.
func (e *egress) hosts() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.host)
}
