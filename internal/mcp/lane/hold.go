package lane

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// Hold is one call's turn on a lane.
type Hold struct {
	lane *lane
	ask  Ask

	mu         sync.Mutex
	server     Server
	connection *connection // the server of a call whose requests are signed
	endpoint   *grant.Endpoint
	end        func() (draws int) // of the lease
	lent       bool               // credentials, in whatever way
	until      time.Time          // of the grant that ends last
	lost       bool               // the server may be at work for the call when the turn ends
	broken     bool               // it has not answered the call
	over       chan struct{}      // closed with the lease; nil if nobody asked
	draws      int
	refused    int
	reaper     *time.Timer // set while abandoned
	settled    func()      // then: the principal owes nothing more for it
	released   bool
}

// Lane is the index of the lane.
func (h *Hold) Lane() int { return h.lane.index }

// Server is the lane's server; nil before Open or Deliver.
func (h *Hold) Server() Server {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.server
}

// own reports whether the call gets a server that serves it alone.
func (h *Hold) own() bool {
	return h.ask.AWS && h.lane.pool.config.Delivery.PerCall()
}

// Open waits until the lane's server is ready for the call. Where the call gets
// a server of its own that is only started by Deliver, and Open does nothing.
func (h *Hold) Open(ctx context.Context) error {
	if h.own() {
		return nil
	}
	server, endpoint, err := h.lane.open(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server, h.endpoint = server, endpoint
	return nil
}

// Deliver lets the server use g from now on. Delivering again, for the same
// call, puts a new grant in the place of the one before. Open must have been called.
func (h *Hold) Deliver(ctx context.Context, g *grant.Grant) error {
	switch {
	case h.own() && h.lane.pool.config.Delivery == grant.DeliverSigV4:
		return h.connect(ctx, g)
	case h.own():
		return h.spawn(ctx, g)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.endpoint == nil || h.released || h.reaper != nil {
		return nil // nothing is lent; the server is refused if it asks
	}
	before := h.end
	h.end, h.lent = h.endpoint.Lease(g), true
	if g.Until.After(h.until) {
		h.until = g.Until
	}
	if before != nil {
		before()
	}
	return nil
}

// spawn starts the call's own process, with the grant in its environment.
func (h *Hold) spawn(ctx context.Context, g *grant.Grant) error {
	p := h.lane.pool
	server, err := p.config.Open(ctx, h.lane.index, grant.Means{Environ: g.Environ()})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	p.watch(server)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server, h.lent = server, true
	return nil
}

// Release ends the lease and the turn. It says how often the server drew
// credentials, and was refused them since a turn ended before. Releasing again
// changes nothing.
func (h *Hold) Release() (draws, refused int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		return h.draws, h.refused
	}
	h.endLease()
	if h.endpoint != nil {
		h.refused = h.endpoint.TakeRefused()
	}
	if h.reaper != nil {
		h.reaper.Stop()
	}
	switch {
	case h.connection != nil && h.reaper == nil && !h.broken:
		h.lane.keep(h.connection)
	case h.own() && h.server != nil:
		h.server.Kill() // the keys are its own: it ends with the call
	}
	h.leave(h.reaper != nil)
	return h.draws, h.refused
}

// Abandon ends the lease but keeps the turn, so that nobody else's grant can
// be drawn by what the server still does for this call. Unless Release follows
// within the pool's grace, the server is killed. A call that was lent nothing
// uses nothing at AWS; its turn just ends, and Abandon says so.
func (h *Hold) Abandon() (ended bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released || h.reaper != nil {
		return false
	}
	if !h.lent {
		h.leave(false)
		return true
	}
	h.endLease()
	p := h.lane.pool
	p.mu.Lock()
	h.lane.abandoned++
	h.settled = p.turns.owe(p.config.Principal)
	p.mu.Unlock()
	server := h.server
	h.reaper = time.AfterFunc(p.config.Grace, func() {
		if p.config.Killed != nil {
			p.config.Killed(h.lane.index)
		}
		server.Kill()
	})
	return false
}

// Lost says that the server has not answered the call and that the connection to
// it is gone. A server that was started here is killed and works no more. One that
// was not may go on with the call, and would draw the grant of whoever came next,
// in any session: its turn ends only with what the call was lent. One that draws
// nothing, because its requests are signed, is not used again. Release follows.
func (h *Hold) Lost() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = true
	h.lost = h.lent && h.lane.pool.turns.endpoint(h.lane.index) != nil
}

// Broken says that the connection answered in the server's place: it serves no
// further call. Release follows.
func (h *Hold) Broken() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = true
}

// Over is closed when the lease ends; at once if there is none.
func (h *Hold) Over() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over == nil {
		h.over = make(chan struct{})
		if h.end == nil {
			close(h.over)
		}
	}
	return h.over
}

func (h *Hold) endLease() {
	if h.end == nil {
		return
	}
	h.draws = h.end()
	h.end = nil
	if h.over != nil {
		close(h.over)
	}
}

// leave ends the turn; the caller holds the hold's lock.
func (h *Hold) leave(abandoned bool) {
	h.released = true
	p := h.lane.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.lost { // before it is settled, lest another call of the principal's slips in
		h.lane.leaveAt(h.until, abandoned || p.closed)
	} else {
		h.lane.leave()
	}
	if abandoned {
		h.lane.abandoned--
		h.settled()
	}
}
