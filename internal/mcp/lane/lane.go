package lane

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// Lane hands out turns and leases. It is safe for concurrent use.
type Lane struct {
	queue    queue
	endpoint *grant.Endpoint
	grace    time.Duration
	kill     func()
}

// New returns a lane whose credentials are drawn from endpoint. kill is called
// when a call that was given up on is not answered within grace.
func New(endpoint *grant.Endpoint, grace time.Duration, kill func()) *Lane {
	return &Lane{endpoint: endpoint, grace: grace, kill: kill}
}

// Acquire waits for a turn. Exclusive holds are alone; others share with equal
// scope. It fails with ErrClosed or the context's error.
func (l *Lane) Acquire(ctx context.Context, scope string, exclusive bool) (*Hold, error) {
	if err := l.queue.acquire(ctx, scope, exclusive); err != nil {
		return nil, fmt.Errorf("wait for a turn: %w", err)
	}
	return &Hold{lane: l}, nil
}

// Close ends every wait; leases end with the endpoint.
func (l *Lane) Close() { l.queue.close() }

// Hold is one call's turn.
type Hold struct {
	lane *Lane

	mu       sync.Mutex
	end      func() (draws int)
	draws    int
	refused  int
	reaper   *time.Timer // set while abandoned
	released bool
}

// Lease lets the upstream draw g from now on.
func (h *Hold) Lease(g *grant.Grant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end == nil && !h.released && h.reaper == nil {
		h.end = h.lane.endpoint.Lease(g)
	}
}

// Release ends the lease and the turn. It says how often the upstream drew
// credentials, and was refused them since a turn ended before. Releasing again
// changes nothing.
func (h *Hold) Release() (draws, refused int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return h.draws, h.refused
	}
	h.released = true
	h.endLease()
	h.refused = h.lane.endpoint.TakeRefused()
	if h.reaper != nil {
		h.reaper.Stop()
	}
	h.lane.queue.release(h.reaper != nil)
	return h.draws, h.refused
}

// Abandon ends the lease but keeps the turn, so that nobody else's grant can
// be drawn by what the server still does for this call. Unless Release follows
// within the lane's grace, the upstream is killed. A call that was lent nothing
// uses nothing at AWS; its turn just ends, and Abandon says so.
func (h *Hold) Abandon() (ended bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released || h.reaper != nil {
		return false
	}
	if h.end == nil {
		h.released = true
		h.lane.queue.release(false)
		return true
	}
	h.endLease()
	h.lane.queue.abandon()
	h.reaper = time.AfterFunc(h.lane.grace, h.lane.kill)
	return false
}

func (h *Hold) endLease() {
	if h.end != nil {
		h.draws = h.end()
		h.end = nil
	}
}
