package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// newRecord is the record of a message that is allowed, until it is not.
func (g *Gate) newRecord(id string, m *wire.Message) audit.Record {
	record := audit.Record{Phase: audit.PhaseDecision, DecisionID: id, Class: classAllowed, Path: "ecsmcp/authz/decision",
		RequestedBy: g.Caller.Principal.Kind + "/" + g.Caller.Principal.ID, Persona: g.Caller.Persona,
		Input: &audit.Input{Method: m.Method, Server: g.Catalog.Server(), Tool: short(m.Name), Region: g.Caller.Env.Region,
			Account: g.Caller.Env.Account, ArgumentsSHA256: hash(m.Arguments)}}
	if g.Shadow != nil {
		record.Mode = "shadow"
	}
	return record
}

// recordRefusal writes the one line of a refusal. If that fails, the refusal
// stands and says so.
func (g *Gate) recordRefusal(ctx context.Context, record audit.Record, r *refusal) error {
	record.Phase, record.Class, record.Grant = audit.PhaseRefusal, r.class, nil
	record.Message = together(r.detail, record.Message)
	if err := g.append(ctx, record); err != nil {
		return classify(err)
	}
	return r
}

// conclude, when deferred, ends the judging of what takes no lane: a refusal, and a
// panic as one, is put on record, and the decision is counted.
func (g *Gate) conclude(ctx context.Context, record *audit.Record, err *error) {
	if p := recover(); p != nil {
		g.observer().Panicked()
		*err = &refusal{classInternal, "it could not be judged", fmt.Sprintf("panic: %v", p)}
	}
	if *err != nil {
		record.Class = classify(*err).class
		*err = g.recordRefusal(ctx, *record, classify(*err))
	}
	g.observer().Decided(record.Class, g.Caller.Persona)
}

// append puts a decision on record.
func (g *Gate) append(ctx context.Context, record audit.Record) error {
	defer g.timed(ctx, StageRecord)()
	return g.Record.Append(record)
}

func together(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

func hash(b []byte) string {
	if b == nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
