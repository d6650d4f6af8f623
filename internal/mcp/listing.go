package mcp

import (
	"context"
	"fmt"
	"slices"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// list returns the answer to a tools/list with the tools left out that the
// caller's persona could never call. It is a courtesy to the model, not the
// boundary: a tool that is called anyway is decided like every other.
// An answer that cannot be read as a list is an error, never passed on whole.
func (g *Gate) list(ctx context.Context, m *wire.Message) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("filter list: panic: %v", p)
		}
	}()
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

// visible: the caller may all that one way of using the tool needs. A tool
// without AWS actions is asked about like a call.
func (g *Gate) visible(ctx context.Context, policy Decider, tool string) (bool, error) {
	ways := g.Catalog.Needs(tool)
	for _, way := range ways {
		if slices.Contains(way, catalog.CallTool) {
			return g.mayCall(ctx, policy, tool)
		}
	}
	named, err := policy.Visible(ctx, g.Caller.Persona, g.Catalog.Actions(tool))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(ways, func(way []string) bool {
		return len(way) > 0 && !slices.ContainsFunc(way, func(action string) bool { return !slices.Contains(named, action) })
	}), nil
}

func (g *Gate) mayCall(ctx context.Context, policy Decider, tool string) (bool, error) {
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
