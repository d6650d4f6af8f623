package mcp

import (
	"context"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// list returns the answer to a tools/list with the tools left out that the
// caller's persona could never call. It is a courtesy to the model, not the
// boundary: a tool that is called anyway is decided like every other.
// An answer that cannot be read as a list is an error, never passed on whole.
func (g *Gate) list(ctx context.Context, m *wire.Message) ([]byte, error) {
	if m.Error != nil {
		return m.Raw, nil
	}
	tools, err := wire.Tools(m)
	if err != nil {
		return nil, err
	}
	policy, err := g.Policy(ctx)
	if err != nil {
		return nil, err
	}
	visible := map[string]bool{}
	for _, name := range g.Catalog.Tools() {
		if visible[name], err = g.visible(ctx, policy, name); err != nil {
			return nil, err
		}
	}
	return tools.Keep(func(name string) bool { return visible[name] }), nil
}

// visible: some Allow of the persona names one of the actions the tool can
// need; a tool without AWS actions is asked about like a call.
func (g *Gate) visible(ctx context.Context, policy Decider, tool string) (bool, error) {
	actions := g.Catalog.Actions(tool)
	aws := slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return strings.HasPrefix(a, "mcp:") })
	if len(aws) > 0 {
		allowed, err := policy.Visible(ctx, g.Caller.Persona, aws)
		return len(allowed) > 0, err
	}
	accesses, err := g.Catalog.Tool(g.Caller.Env, tool)
	if err != nil {
		return false, err
	}
	decision, err := policy.Decide(ctx, authz.Request{Principal: g.Caller.Principal, Persona: g.Caller.Persona,
		Region: g.Caller.Env.Region, Account: g.Caller.Env.Account,
		Call:     authz.Call{Method: "tools/call", Server: g.Catalog.Server(), Tool: tool},
		Accesses: accesses})
	return decision.Allow, err
}
