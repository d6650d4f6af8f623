package lane

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

var (
	// ErrClosed is the class of a session that has ended.
	ErrClosed = errors.New("the session has ended")
	// ErrStart is the class of a server that could not be made ready for calls.
	ErrStart = errors.New("the server could not be started")
)

// Server is one started server, ready for calls.
type Server interface {
	// Send queues a line for it; false if it will never be written.
	Send(line []byte) bool
	// Close asks it to end and kills it if it does not.
	Close()
	// Kill kills it and everything below it and does not wait for the end.
	Kill()
	// Done is closed when it has ended and what it wrote was read.
	Done() <-chan struct{}
	// OnDone calls f, in a goroutine of its own, once it is done.
	OnDone(f func())
}

// Config is what a Pool is made of.
type Config struct {
	// Open starts the server of a lane, or connects to it, with these means of
	// coming by credentials, and returns when it is ready for calls.
	Open func(ctx context.Context, lane int, means grant.Means) (Server, error)
	// Lanes is how many servers the session may have at the same time; at least 1.
	// Where each call has a server of its own lane 0 comes beside them.
	Lanes int
	// Delivery is how credentials reach the server.
	Delivery grant.Delivery
	// Relay lends what is not a call's: a server that is an AWS service wants every
	// request signed. nil: nothing is lent for that.
	Relay grant.Lender
	// Turns are in common with other sessions, where the servers are; nil: they are
	// the session's own.
	Turns *Turns
	// Principal is whose session it is: turns in common go round among principals.
	Principal string
	// Processes bounds the servers of all sessions; nil bounds nothing.
	Processes *Processes
	// Grace is how long a server may take to answer a call that was given up on
	// before it is killed.
	Grace time.Duration
	// Idle is how long a lane other than 0 may be unused before its server is
	// closed; 0 keeps it.
	Idle time.Duration
	// Refused is called when a server asks for credentials without a lease; may be nil.
	Refused func(lane int)
	// Killed is called when a server is killed for a call that was given up on; may be nil.
	Killed func(lane int)
}

// Pool hands out turns on the lanes of one session. It is safe for concurrent use.
type Pool struct {
	config Config
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	ended  sync.WaitGroup // of what watches servers

	mu      *sync.Mutex // of the turns
	turns   *Turns
	lanes   []*lane
	waiting int // calls
	closed  bool
}

// Ask is what a call needs of a lane.
type Ask struct {
	Scope     string
	Exclusive bool // alone; others share with equal scope
	// AWS: credentials will be lent. Under some deliveries the call then gets a
	// server of its own.
	AWS bool
	// Long: it may take minutes, so it leaves lane 0 to others if it can. So does a call
	// that is lent credentials at a server that cannot be killed.
	Long bool
	// First: lane 0 and no other.
	First bool
}

type waiter struct {
	Ask
	pool  *Pool
	lane  *lane         // once ready
	ready chan struct{} // closed when the turn has come, or the pool has closed
}

// New returns a pool; nothing is started yet.
func New(config Config) *Pool {
	n := max(config.Lanes, 1)
	if config.Delivery.PerCall() {
		n++
	}
	p := &Pool{config: config, turns: config.Turns}
	if p.turns == nil {
		p.turns = newTurns(n)
	}
	p.mu = &p.turns.mu
	p.ctx, p.stop = context.WithCancel(context.Background())
	for i, t := range p.turns.turns {
		p.lanes = append(p.lanes, &lane{pool: p, index: i, turn: t})
	}
	p.turns.join(p)
	config.Processes.join(p)
	return p
}

// Acquire waits for a turn. It fails with ErrClosed or the context's error.
func (p *Pool) Acquire(ctx context.Context, ask Ask) (*Hold, error) {
	w := &waiter{Ask: ask, pool: p, ready: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		close(w.ready)
	} else {
		p.turns.add(w)
	}
	p.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		err := fmt.Errorf("wait for a turn: %w", ctx.Err())
		if p.turns.barred(w) {
			err = fmt.Errorf("%w; a server may still be at work for a call that the same principal gave up on", err)
		}
		if !p.turns.forget(w) && w.lane != nil { // the turn came at the same instant: give it back
			w.lane.leave()
		}
		return nil, err
	}
	if w.lane == nil {
		return nil, fmt.Errorf("wait for a turn: %w", ErrClosed)
	}
	return &Hold{lane: w.lane, ask: ask}, nil
}

// TryFirst is Acquire of lane 0 for something that needs no credentials,
// without waiting; nil if it is not free or its server is not ready.
func (p *Pool) TryFirst(scope string) *Hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes[0].bury()
	l, w := p.lanes[0], &waiter{Ask: Ask{Scope: scope, First: true}, pool: p}
	if p.closed || len(p.turns.line) > 0 || l.server == nil || !l.free() && !l.shares(w) {
		return nil
	}
	l.enter(w)
	return &Hold{lane: l, ask: w.Ask, server: l.server}
}

// Running is the server of lane 0, or nil if it is not ready for messages.
func (p *Pool) Running() Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lanes[0].server
}

// First makes lane 0 ready for messages and returns its server.
func (p *Pool) First(ctx context.Context) (Server, error) {
	server, _, err := p.lanes[0].open(ctx)
	return server, err
}

// Close ends every wait and closes every server. It returns when they have ended.
func (p *Pool) Close() {
	p.mu.Lock()
	p.turns.leave(p)
	for _, l := range p.lanes {
		if l.server != nil {
			l.server.Close()
		}
		if c := l.kept; c != nil {
			l.kept = nil
			c.idle.Stop()
			c.end()
			l.uncount()
		}
	}
	p.mu.Unlock()
	p.stop()
	p.ended.Wait()
	p.config.Processes.leave(p)
}

// watch makes Close wait for a server that belongs to one call.
func (p *Pool) watch(server Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		server.Kill()
		return
	}
	p.ended.Go(func() { <-server.Done() })
}

// waits counts a call that waits, or no longer does; the caller holds the lock.
func (p *Pool) waits(n int) {
	p.waiting += n
	p.config.Processes.wait(p, p.waiting > 0)
}

// place finds the lane for w, or nil: one that it can share, else a free one
// that runs, else a free one that can be started. What is signed for no call goes
// over lane 0 alone.
func (p *Pool) place(w *waiter, firstTaken bool) *lane {
	alone := w.AWS && p.config.Delivery.PerCall()
	first := w.First || p.config.Delivery == grant.DeliverSigV4 && !alone
	var best *lane
	cost := 0
	for _, l := range p.lanes {
		switch {
		case l.index == 0 && (alone || firstTaken), l.index > 0 && first:
			continue
		case !alone && l.shares(w):
			return l
		case !l.free():
			continue
		}
		c := 1
		if l.index == 0 && len(p.lanes) > 1 && (w.Long || w.AWS && p.turns.endpoint(0) != nil) {
			c = 4 // rather start another: it may be taken for long
		}
		if l.server == nil && l.opening == nil {
			if c++; l.index > 0 && !l.counted && p.config.Processes.full() && !(alone && p.calls() == 0) {
				continue
			}
			if time.Now().Before(l.notBefore) {
				c++
			}
		}
		switch {
		case !alone || l.kept == nil:
		case l.kept.scope == w.Scope:
			c = 0
		default: // it would be ended
			c = 3
		}
		if best == nil || c < cost {
			best, cost = l, c
		}
	}
	return best
}

// calls is how many lanes beside the first count as processes.
func (p *Pool) calls() (n int) {
	for _, l := range p.lanes[1:] {
		if l.counted {
			n++
		}
	}
	return n
}

// again looks whether somebody's turn has come.
func (p *Pool) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns.admit()
}
