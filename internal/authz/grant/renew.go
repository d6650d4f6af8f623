package grant

import (
	"context"
	"time"
)

// A grant is renewed renewAhead of its end, so that STS may be away for most
// of that time, and asked again every renewPause until then.
const (
	renewAhead = 2 * time.Minute
	renewPause = 10 * time.Second
)

// Keep renews g, minted for the call of o, until the call's deadline: before
// each grant ends it mints the next for the same order, and lend takes it. Every
// one ends at AWS by itself, the last with the call. Keep returns when ctx ends,
// which is when the call must, or with an error of Mint or lend when there is
// nothing more to lend; the call then goes on without credentials.
//
// The order must have Renews set. What is lent on is what was decided at first:
// policy is not asked again while a call lasts.
func (b *Broker) Keep(ctx context.Context, o Order, g *Grant, lend func(*Grant) error) error {
	end := o.Deadline.Add(Margin)
	for !g.lasts(asOfNow(end)) {
		if !pause(ctx, max(time.Until(g.Until)-renewAhead, renewPause)) {
			return nil
		}
		next, err := b.Mint(ctx, o)
		for err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if !g.lasts(time.Now().Add(renewPause)) {
				return err
			}
			if !pause(ctx, renewPause) {
				return nil
			}
			next, err = b.Mint(ctx, o)
		}
		if err := lend(next); err != nil {
			return err
		}
		g = next
	}
	return nil
}

// pause waits; false means that ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
