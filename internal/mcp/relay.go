package mcp

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// relayNow forwards a request to lane 0 if nothing keeps it from going at once.
func (c *Conversation) relayNow(r *request, t treatment) bool {
	if t == relay {
		server := c.Gate.Lanes.Running()
		return server != nil && c.forward(r, server, nil)
	}
	hold := c.Gate.Lanes.TryFirst(noScope)
	if hold == nil {
		return false
	}
	return c.forward(r, hold.Server(), hold)
}

// relayLater forwards it when lane 0 is ready and, unless it may go at once,
// lends no credentials.
func (c *Conversation) relayLater(ctx context.Context, r *request, t treatment) {
	ctx, cancel := context.WithTimeout(ctx, c.Gate.Timeout)
	defer cancel()
	why := ""
	for ctx.Err() == nil {
		hold, server, err := c.first(ctx, t)
		if err == nil && c.forward(r, server, hold) {
			return
		}
		if err != nil && !errors.Is(err, lane.ErrStart) {
			break
		}
		if err == nil { // it ended just now
			select {
			case <-server.Done():
			case <-ctx.Done():
			}
		}
		why = "the ECS MCP server could not be started again"
	}
	if why == "" {
		why = "the ECS MCP server was busy with another call until this request's time was over"
	}
	if c.inflight.drop(r) {
		c.client(wire.ErrorResponse(r.message.ID, codeInternal, "ecs-mcp-proxy: "+why+"; try again", nil))
	}
}

// first is lane 0's server, in its turn if it has to be.
func (c *Conversation) first(ctx context.Context, t treatment) (hold *lane.Hold, server lane.Server, err error) {
	if t == relay {
		server, err = c.Gate.Lanes.First(ctx)
		return nil, server, err
	}
	if hold, err = c.Gate.Lanes.Acquire(ctx, lane.Ask{Scope: noScope, First: true}); err != nil {
		return nil, nil, err
	}
	if err = hold.Open(ctx); err != nil {
		hold.Release()
		return nil, nil, err
	}
	return hold, hold.Server(), nil
}

// forward sends a request that is only relayed; false if the server has just
// ended. Its turn, if it has one, ends with its answer, or when a call's time is
// over: nothing is lent for it.
func (c *Conversation) forward(r *request, server lane.Server, hold *lane.Hold) bool {
	if hold != nil && r.message.Method == methodListen { // is not answered while it lasts
		defer hold.Release()
	} else if hold != nil {
		time.AfterFunc(c.Gate.Timeout, func() { hold.Release() })
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	if !c.inflight.forward(r, server, hold, nil, nil) {
		if hold != nil {
			hold.Release()
		}
		return true // cancelled meanwhile
	}
	return pass(server, r.message) || !c.inflight.back(r)
}

// relayNotification passes a notification on to lane 0, and progress to the
// server whose request it is about.
func (c *Conversation) relayNotification(m *wire.Message) {
	c.greeting.noted(m)
	if q := c.inflight.progressing(m.Token()); q != nil && m.Method == "notifications/progress" {
		q.server.Send(m.Rename(func(wire.ID) wire.ID { return q.token }))
		return
	}
	if server := c.Gate.Lanes.Running(); server == nil || !server.Send(m.Raw) {
		c.Log.Debug("a notification found no server", zap.String("method", m.Method))
	}
}
