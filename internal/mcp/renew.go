package mcp

import (
	"context"
	"fmt"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
)

// renew lends a call that outlasts a session one grant after the other, each
// on record before it is lent, until the call has ended. If it cannot, the
// call goes on without credentials, and the record says why.
func (g *Gate) renew(hold *lane.Hold, id string, order grant.Order, lent *grant.Grant) {
	ctx, cancel := context.WithDeadline(context.Background(), order.Deadline)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-hold.Over():
		case <-ctx.Done():
		}
	}()
	record := audit.Record{Phase: audit.PhaseRenewal, DecisionID: id, Class: classAllowed}
	defer func() {
		if p := recover(); p != nil {
			g.observer().Panicked()
			g.notRenewed(record, fmt.Errorf("panic: %v", p))
		}
	}()
	if err := g.Grants.Keep(ctx, order, lent, func(next *grant.Grant) error {
		record.Grant = recorded(next)
		if err := g.Record.Append(record); err != nil {
			return err
		}
		g.observer().Lent(LentRenewed)
		return hold.Deliver(ctx, next)
	}); err != nil {
		g.notRenewed(record, err)
	}
}

// notRenewed puts on record why a call is lent nothing any more. Where that
// fails there is nobody left to tell: the next call is refused for the same.
func (g *Gate) notRenewed(record audit.Record, err error) {
	record.Class, record.Grant, record.Message = classCredentials, nil, err.Error()
	_ = g.Record.Append(record)
}

func recorded(lent *grant.Grant) *audit.Grant {
	return &audit.Grant{AccessKeyID: lent.AccessKeyID, Role: lent.Role, SessionName: lent.SessionName, SessionPolicy: lent.Policy,
		SessionPolicySize: len(lent.Policy), PackedPolicySize: lent.PackedSize, Until: lent.Until.Truncate(time.Second), Reused: lent.Reused}
}
