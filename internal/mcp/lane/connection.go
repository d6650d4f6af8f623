package lane

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// errIdle is why nothing is signed between calls.
var errIdle = errors.New("no call is in progress on this connection, so there is nothing to sign with")

// connection is a session with a server whose requests are signed. It is of one
// scope from its first request to its last: it serves one call, and may be kept
// for another call of that scope.
type connection struct {
	Server
	scope string

	mu   sync.Mutex
	lent *grant.Grant // nil between calls
	last *grant.Grant

	idle *time.Timer // while it is kept; belongs to the pool's lock
}

// lend makes g the grant that requests are signed with; nil for none.
func (c *connection) lend(g *grant.Grant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lent = g; g != nil {
		c.last = g
	}
}

func (c *connection) grant(context.Context) (*grant.Grant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lent == nil {
		return nil, errIdle
	}
	return c.lent, nil
}

// end ends the session, and says so to the server while that can be signed.
func (c *connection) end() {
	c.lend(c.last)
	c.Close()
}

func (c *connection) ended() bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}

// lastsFor is how long it may be kept: its end is signed with its last grant.
func (c *connection) lastsFor(idle time.Duration) time.Duration {
	const margin = 5 * time.Second
	lasts := time.Until(c.last.Until) - margin
	if idle > 0 {
		lasts = min(lasts, idle)
	}
	return lasts
}

// connect gives the call a connection of its own, signed with g: one that was
// kept for its scope, or a new one.
func (h *Hold) connect(ctx context.Context, g *grant.Grant) error {
	h.mu.Lock()
	c := h.connection
	h.mu.Unlock()
	if c != nil { // one more grant for the same call
		c.lend(g)
		return nil
	}
	p := h.lane.pool
	if c = h.lane.take(h.ask.Scope); c != nil {
		c.lend(g)
	} else {
		c = &connection{scope: h.ask.Scope}
		c.lend(g)
		server, err := p.config.Open(ctx, h.lane.index, grant.Means{Grant: c.grant})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrStart, err)
		}
		c.Server = server
		p.watch(server)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server, h.connection, h.lent = c.Server, c, true
	return nil
}

// take returns the lane's connection if it is of the scope, and ends another.
func (l *lane) take(scope string) *connection {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	c := l.kept
	l.kept = nil
	if c != nil {
		c.idle.Stop()
	}
	if c == nil || c.scope == scope && !c.ended() {
		return c
	}
	c.end()
	return nil
}

// keep keeps a connection for the next call of its scope, until its end cannot
// be signed any more.
func (l *lane) keep(c *connection) {
	p := l.pool
	c.lend(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	lasts := c.lastsFor(p.config.Idle)
	if p.closed || lasts <= 0 || c.ended() {
		c.end()
		return
	}
	l.kept = c
	c.idle = time.AfterFunc(lasts, func() { l.drop(c) })
}

// drop ends a connection that is still kept.
func (l *lane) drop(c *connection) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.kept != c {
		return // in use
	}
	l.kept = nil
	c.end()
	l.uncount()
	p.turns.admit()
}
