package grant

import (
	"context"
	"fmt"
	"time"
)

// flight is one AssumeRole that every call of its scope waits for. It belongs
// to none of them: it goes on when the first one is cancelled, and ends when
// nobody waits any more.
type flight struct {
	cancel  context.CancelFunc
	waiting int           // guarded by Broker.mu
	landed  chan struct{} // closed when grant or err is set
	grant   *Grant
	err     error
}

// start orders a grant for scope. The caller holds the lock.
func (b *Broker) start(ctx context.Context, scope string, o Order) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{cancel: cancel, landed: make(chan struct{})}
	b.flights[scope] = f
	go func() {
		defer cancel()
		grant, err := b.assumeSafely(ctx, o, time.Now().Add(ReuseWindow))
		b.mu.Lock()
		defer b.mu.Unlock()
		if err == nil {
			b.reads[scope] = grant
		}
		b.forget(scope, f)
		f.grant, f.err = grant, err
		close(f.landed)
	}()
	return f
}

// wait returns what the flight brought, or ctx's error.
func (b *Broker) wait(ctx context.Context, scope string, f *flight) (*Grant, error) {
	select {
	case <-f.landed:
		return f.grant, f.err
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		b.forget(scope, f) // whoever comes now starts anew and is not cancelled with it
		f.cancel()
	}
	return nil, ctx.Err()
}

func (b *Broker) forget(scope string, f *flight) {
	if b.flights[scope] == f {
		delete(b.flights, scope)
	}
}

// assumeSafely keeps a panic, which nobody above a goroutine of its own would
// catch, from ending every call.
func (b *Broker) assumeSafely(ctx context.Context, o Order, until time.Time) (g *Grant, err error) {
	defer func() {
		if p := recover(); p != nil {
			g, err = nil, fmt.Errorf("%w: assume role %s: panic: %v", ErrCredentials, o.Role, p)
		}
	}()
	return b.assume(ctx, o, until)
}
