package mcp

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// listTime bounds how long it may take to say which tools are shown: policy may
// still be loading.
const listTime = 30 * time.Second

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

// hidden refuses a call of a tool that is not listed to the caller in the
// words for a tool that does not exist; the record says which it was.
func (g *Gate) hidden(ctx context.Context, tool string) error {
	if !slices.Contains(g.Catalog.Tools(), tool) {
		return nil // unknown, and refused as such
	}
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	policy, err := g.Policy(ctx)
	if err != nil {
		return policyError(err)
	}
	visible, err := g.visible(ctx, policy, tool)
	if err != nil {
		return policyError(err)
	}
	if !visible {
		return &refusal{classUnknownTool, "there is no such tool", fmt.Sprintf("%q is hidden: persona %s may not use it in any way", tool, g.Caller.Persona)}
	}
	return nil
}

// visible: the caller may all that one way of using the tool needs. A tool
// without AWS actions is asked about like a call.
// Policy does not change while it is loaded, so each tool is asked about once.
func (g *Gate) visible(ctx context.Context, policy Decider, tool string) (bool, error) {
	if known, ok := g.shown.Load(tool); ok {
		return known.(bool), nil
	}
	visible, err := g.usable(ctx, policy, tool)
	if err == nil {
		g.shown.Store(tool, visible)
	}
	return visible, err
}

func (g *Gate) usable(ctx context.Context, policy Decider, tool string) (bool, error) {
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
