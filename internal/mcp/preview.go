package mcp

import (
	"context"
	"slices"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Preview is what the gate makes of a call. Nothing was recorded, lent or sent
// for it.
type Preview struct {
	Request  authz.Request // with the facts that were looked up
	Decision authz.Decision
	// Order is what would be lent if the decision allows; it has no decision's
	// id and no deadline.
	Order    grant.Order
	Problems []string // look-ups that failed
}

// Resolve works out what a call would do, as the gate does before it asks
// policy. Hidden: the tool is not listed to the caller, so the gate would answer
// as if there were none.
func (g *Gate) Resolve(ctx context.Context, m *wire.Message) (r *catalog.Resolution, hidden bool, err error) {
	r, err = g.resolve(ctx, m)
	if err != nil && classify(err).class == classUnknownTool && slices.Contains(g.Catalog.Tools(), m.Name) {
		r, err = g.Catalog.Resolve(g.Caller.Env, m.Name, m.Arguments)
		return r, true, err
	}
	return r, false, err
}

// Preview judges a resolved call as the gate would.
func (g *Gate) Preview(ctx context.Context, m *wire.Message, r *catalog.Resolution) (Preview, error) {
	judged, err := g.judge(ctx, m, r)
	p := Preview{Request: judged.request, Decision: judged.decision, Problems: judged.problems}
	if err != nil || !judged.decision.Allow {
		return p, err
	}
	p.Order = g.order("", r, judged)
	return p, nil
}

// Class names the class of a refusal as the record does, and its detail.
func Class(err error) (class, detail string) {
	r := classify(err)
	return r.class, r.detail
}
