package mcp

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
)

// noScope is the scope of what is lent nothing. It is one of its own, so that
// it never runs while another call's credentials can be drawn.
const noScope = ""

// turn waits for a lane whose server is ready. What outlives its answer is on the
// first lane, which nobody closes for want of calls.
func (g *Gate) turn(ctx context.Context, r *catalog.Resolution, order *grant.Order, outlives bool, wait func(times int)) (*lane.Hold, error) {
	defer g.timed(ctx, StageWait)()
	ask := lane.Ask{Scope: noScope, Long: r.LongRunning, First: outlives}
	if g.Delivery.Lends() {
		scope, err := order.Settle()
		switch {
		case err == nil:
			ask.Scope, ask.Exclusive, ask.AWS = scope, !order.Reusable, true
		case !errors.Is(err, grant.ErrNothingGrantable):
			return nil, err
		}
	}
	if wait != nil {
		defer every(waitTold, wait)()
	}
	hold, err := g.Lanes.Acquire(ctx, ask)
	if err == nil {
		if err = hold.Open(ctx); err != nil {
			hold.Release()
		}
	}
	switch {
	case err == nil:
		return hold, nil
	case errors.Is(err, lane.ErrClosed), errors.Is(err, lane.ErrStart):
		return nil, err
	case errors.Is(context.Cause(ctx), errWaited):
		return nil, &refusal{classTimeout, "no ECS MCP server was free and ready before its time was over; try again", err.Error()}
	}
	return nil, &refusal{classCancelled, "it was cancelled", "cancelled while it waited for its turn"}
}

// waitTold is how often a client is told that its call waits.
const waitTold = 2 * time.Second

// every calls f again and again, with how often it did, until stop is called.
func every(period time.Duration, f func(times int)) (stop func()) {
	ended := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for times := 1; ; times++ {
			select {
			case <-ticker.C:
				f(times)
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		running.Wait()
	}
}
