package mcp

import (
	"context"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// subscribe relays a request to be told of changes to resources if the principal
// may read every one of them. Source: MCP 2026-07-28, subscriptions; in earlier
// versions it is resources/subscribe, a request that is decided like a call.
func (c *Conversation) subscribe(ctx context.Context, r *request) {
	kept, id, err := c.Gate.subscription(ctx, r.message)
	if err != nil {
		c.warn(classify(err), id)
		if c.inflight.drop(r) {
			c.client(c.Gate.answer(r.message, classify(err), id))
		}
		return
	}
	c.keep(kept)
	c.relayLater(ctx, r, calm)
}

// subscription decides a request for notifications. It is lent nothing and takes
// no lane, since it has no end: its record has no outcome.
func (g *Gate) subscription(ctx context.Context, m *wire.Message) (kept *redact.Redactor, id string, err error) {
	record := g.newRecord(audit.NewID(), m)
	id = record.DecisionID
	defer g.conclude(ctx, &record, &err)
	var accesses []authz.Access
	for _, uri := range m.Resources {
		read, err := g.Catalog.Resource(g.Caller.Env, uri)
		if err != nil {
			return nil, id, err
		}
		accesses = append(accesses, read...)
	}
	waiting, cancel := context.WithTimeoutCause(ctx, g.Timeout, errWaited)
	defer cancel()
	judged, err := g.verdict(ctx, waiting, m, &catalog.Resolution{Accesses: accesses}, &record)
	if err != nil {
		return nil, id, err
	}
	if judged.decision.Confirms() && g.Shadow == nil {
		return nil, id, unconfirmed(cannotAsk, "a subscription is not asked about")
	}
	if kept, err = redact.New(judged.decision.Obligations); err != nil {
		return nil, id, policyError(err)
	}
	return kept, id, g.append(ctx, record)
}
