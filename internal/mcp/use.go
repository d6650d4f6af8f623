package mcp

import (
	"context"
	"fmt"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// useMethod stands in requests to policy and in the record where a call has its
// method: it is about what is only relayed, whatever that is.
const useMethod = "initialize"

// Relay returns the grant that what is only relayed is signed with: that of one
// action, decided as calls are, for a server that is an AWS service. It waits for
// Run. The error may be shown to the client.
func (c *Conversation) Relay(ctx context.Context) (*grant.Grant, error) {
	select {
	case <-c.running:
	case <-c.never:
		return nil, fmt.Errorf("%w: the session is over", grant.ErrCredentials)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", grant.ErrCredentials, ctx.Err())
	}
	lent, refused, id := c.Gate.relay(ctx)
	if refused != nil {
		c.warn(refused, id)
		return nil, fmt.Errorf("the server cannot be asked: %s. Decision %s; to see all of it: %s", refused.client, id, c.Gate.ShowCommand(id))
	}
	return lent, nil
}

// relayTime bounds how long one request that is only relayed may wait for its
// grant, and how long it may use it.
const relayTime = 30 * time.Second

// relay decides and mints. Each new grant is put on record before it is used, and
// each refusal.
func (g *Gate) relay(ctx context.Context) (lent *grant.Grant, refused *refusal, id string) {
	id = audit.NewID()
	ctx, cancel := context.WithTimeout(ctx, relayTime)
	defer cancel()
	m := &wire.Message{Method: useMethod}
	record := g.newRecord(id, m)
	defer func() {
		if p := recover(); p != nil {
			g.observer().Panicked()
			refused = &refusal{classInternal, "it could not be judged", fmt.Sprintf("panic: %v", p)}
		}
		if refused != nil {
			lent, refused = nil, classify(g.recordRefusal(ctx, record, refused))
			record.Class = refused.class
		}
		if refused != nil || !lent.Reused {
			g.observer().Decided(record.Class, g.Caller.Persona)
		}
	}()
	accesses, err := g.Catalog.Use(g.Caller.Env)
	if err != nil {
		return nil, classify(err), id
	}
	resolution := &catalog.Resolution{Accesses: accesses}
	judged, err := g.verdict(ctx, ctx, m, resolution, &record)
	record.Message = together("about what is only relayed, and no call", record.Message)
	if err != nil {
		return nil, classify(err), id
	}
	if g.Shadow == nil && judged.decision.Confirms() {
		return nil, &refusal{classPolicy, nobodyToAsk, nobodyToAsk}, id
	}
	order := g.order(id, resolution, judged)
	order.Reusable, order.Deadline = true, time.Now().Add(relayTime) // whatever reuse says: it is no call's
	if lent, err = g.mint(ctx, order); err != nil {
		return nil, classify(err), id
	}
	if lent == nil {
		return nil, &refusal{classCredentials, "nothing is lent for it", "the catalogue names no action that each request needs"}, id
	}
	if lent.Reused {
		return lent, nil, id
	}
	record.Grant = recorded(lent)
	if err := g.append(ctx, record); err != nil {
		return nil, classify(err), id
	}
	return lent, nil, id
}

// nobodyToAsk is why an obligation to confirm refuses what is no call.
const nobodyToAsk = "policy wants the client's user to agree to the use of the server, and nobody can be asked about what is only relayed; the guardrail should ask about calls (tools/call)"
