package lane

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// The pause before a server that ended is started again grows from the first
// to the last of these; one that ran for steady begins anew.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 30 * time.Second
	steady     = time.Minute
)

// lane is one server at a time. Its fields belong to the pool's lock.
type lane struct {
	pool  *Pool
	index int
	*turn
	users int // holders that are this session's

	server    Server
	endpoint  *grant.Endpoint // the server's own; nil if none is lent by one
	kept      *connection     // of a call that has ended, for the next of its scope; nil for none
	counted   bool            // as one of the processes: it runs, is started, or will be
	opening   chan struct{}   // closed when the start that is under way has ended
	failed    error           // of the last start
	ends      int             // how often its server ended in a row
	began     time.Time       // of the server
	notBefore time.Time       // of the next start
	idle      *time.Timer
}

func (l *lane) free() bool { return l.holders == 0 }

// shares reports whether w may join those who hold the lane.
func (l *lane) shares(w *waiter) bool {
	return l.holders > 0 && !l.exclusive && !w.Exclusive && l.scope == w.Scope && l.abandoned == 0
}

func (l *lane) enter(w *waiter) {
	l.holders++
	l.users++
	l.scope, l.exclusive = w.Scope, w.Exclusive
	l.count()
	if l.idle != nil {
		l.idle.Stop()
	}
}

// count counts the lane as a process; uncount no longer, if nothing is left of it.
func (l *lane) count() {
	if !l.counted {
		l.counted = true
		l.pool.config.Processes.take()
	}
}

func (l *lane) uncount() {
	if l.counted && l.users == 0 && l.server == nil && l.opening == nil && l.kept == nil {
		l.counted = false
		l.pool.config.Processes.give()
	}
}

// leave ends a turn; the caller holds the lock.
func (l *lane) leave() { l.leaveAt(time.Time{}, false) }

// leaveAt is leave, but nobody gets the turn before end; the session need not last
// as long. If that is the principal's doing, it is lent nothing until then, and for
// as long again, in which the others come first.
func (l *lane) leaveAt(end time.Time, doing bool) {
	turns, t := l.pool.turns, l.turn
	if wait := time.Until(end); wait > 0 {
		t.abandoned++
		later(turns, wait, func() {
			t.abandoned--
			t.holders--
			turns.admit()
		})
		if doing {
			later(turns, 2*wait, turns.owe(l.pool.config.Principal))
		}
	} else {
		t.holders--
	}
	l.users--
	l.uncount()
	if l.users == 0 && l.index > 0 && l.server != nil && l.pool.config.Idle > 0 {
		l.idle = time.AfterFunc(l.pool.config.Idle, l.closeIdle)
	}
	turns.admit()
}

// later calls f with the lock of the turns.
func later(t *Turns, wait time.Duration, f func()) {
	time.AfterFunc(wait, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		f()
	})
}

func (l *lane) closeIdle() {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if l.users == 0 && l.server != nil {
		l.server.Close()
	}
}

// open returns the lane's server and its endpoint, started if it does not run.
func (l *lane) open(ctx context.Context) (Server, *grant.Endpoint, error) {
	p := l.pool
	p.mu.Lock()
	l.bury()
	if l.server != nil {
		defer p.mu.Unlock()
		return l.server, l.endpoint, nil
	}
	if p.closed {
		defer p.mu.Unlock()
		return nil, nil, ErrClosed
	}
	if l.opening == nil { // for whoever comes next, even if this caller gives up
		l.opening = make(chan struct{})
		l.count()
		p.ended.Go(func() { l.start() })
	}
	opening := l.opening
	p.mu.Unlock()
	select {
	case <-opening:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.server == nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrStart, cmp.Or(l.failed, errShort))
	}
	return l.server, l.endpoint, nil
}

var errShort = errors.New("it ended at once")

// start starts the lane's server, after the pause that is due, and watches it.
func (l *lane) start() {
	p := l.pool
	server, endpoint, err := l.startNow()
	p.mu.Lock()
	defer p.mu.Unlock()
	l.server, l.endpoint, l.failed = server, endpoint, err
	close(l.opening)
	l.opening = nil
	if err != nil {
		l.pause()
		l.uncount()
		return
	}
	if p.closed {
		server.Close()
	}
	l.began = time.Now()
	p.ended.Add(1)
	server.OnDone(func() {
		defer p.ended.Done()
		p.mu.Lock()
		defer p.mu.Unlock()
		l.bury()
		p.turns.admit()
	})
}

func (l *lane) startNow() (Server, *grant.Endpoint, error) {
	p := l.pool
	select {
	case <-time.After(time.Until(l.notBefore)):
	case <-p.ctx.Done():
		return nil, nil, ErrClosed
	}
	endpoint := p.turns.endpoint(l.index)
	var means grant.Means
	switch {
	case p.config.Delivery == grant.DeliverSigV4:
		means.Grant = p.config.Relay
	case endpoint != nil:
	case p.config.Delivery == grant.DeliverLease, p.config.Delivery == grant.DeliverProcess && p.config.Relay != nil:
		var err error
		if endpoint, err = grant.Listen(); err != nil {
			return nil, nil, err
		}
		if p.config.Relay != nil {
			endpoint.LendTo(p.config.Relay)
		}
		if p.config.Refused != nil {
			endpoint.OnRefused(func() { p.config.Refused(l.index) })
		}
		means.Environ = endpoint.Environ()
	}
	server, err := p.config.Open(p.ctx, l.index, means)
	if err != nil {
		p.turns.close(l.index, endpoint)
		return nil, nil, err
	}
	return server, endpoint, nil
}

// bury forgets a server that has ended; the caller holds the lock.
func (l *lane) bury() {
	p := l.pool
	if l.server == nil {
		return
	}
	select {
	case <-l.server.Done():
	default:
		return
	}
	p.turns.close(l.index, l.endpoint)
	l.server, l.endpoint = nil, nil
	if time.Since(l.began) > steady {
		l.ends = 0
	}
	l.pause()
	l.uncount()
}

// pause sets when the server may be started again.
func (l *lane) pause() {
	pause := min(firstPause<<min(l.ends, 20), lastPause)
	l.ends++
	l.notBefore = time.Now().Add(pause)
}
