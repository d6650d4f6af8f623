package mcp

import (
	"context"
	"errors"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// order asks for exactly the accesses that were allowed; an optional one that
// was not is left out. In shadow mode it asks for the call's accesses as they
// are: pins and denies would carry policy's verdict out at AWS.
func (g *Gate) order(id string, r *catalog.Resolution, judged judgement) grant.Order {
	order := grant.Order{DecisionID: id, Role: g.Caller.Role, Region: g.Caller.Env.Region,
		SourceIdentity: grant.SourceIdentity(g.Caller.Principal.Kind, g.Caller.Principal.ID),
		Tags:           map[string]string{"persona": g.Caller.Persona, "server": g.Catalog.Server(), "tool": r.Tool},
		Renews:         r.LongRunning && g.Delivery == grant.DeliverLease, // the environment of a process cannot be changed, nor what was signed
		Reusable:       !g.NoReuse && !r.Write && !r.Sensitive}
	g.Caller.Terms.Add(&order, g.Caller.Principal.Tags)
	if g.Shadow != nil {
		for _, a := range judged.request.Accesses {
			order.Items = append(order.Items, grant.Item{Access: a})
		}
		return order
	}
	order.Denies = judged.decision.SessionDeny
	for i, a := range judged.request.Accesses {
		if judged.decision.Accesses[i].Verdict != authz.Allowed {
			continue
		}
		item := grant.Item{Access: a}
		if judged.pins != nil {
			item.Pins = judged.pins[i]
		}
		order.Items = append(order.Items, item)
	}
	return order
}

// mint returns the grant of order; nil if there is nothing to grant.
func (g *Gate) mint(ctx context.Context, order grant.Order) (*grant.Grant, error) {
	if !g.Delivery.Lends() {
		return nil, nil
	}
	end := g.timed(ctx, StageGrant)
	lent, err := g.Grants.Mint(ctx, order)
	if errors.Is(err, grant.ErrNothingGrantable) {
		return nil, nil
	}
	end()
	switch {
	case err != nil:
	case lent.Reused:
		g.observer().Lent(LentReused)
	default:
		g.observer().Lent(LentMinted)
	}
	return lent, err
}
