package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
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
// version is the protocol's. pinned is told of the list once its tools are compared with their pins.
func (g *Gate) list(ctx context.Context, version string, m *wire.Message, pinned func(*wire.ToolList)) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			g.observer().Panicked()
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
	if err := g.pin(version, tools); err != nil {
		return nil, err
	}
	pinned(tools)
	policy, err := g.Policy(ctx)
	if err != nil {
		return nil, err
	}
	visible, notes := map[string]bool{}, map[string]string{}
	for _, name := range g.Catalog.Tools() {
		if visible[name], err = g.visible(ctx, policy, name); err != nil {
			return nil, err
		}
		if visible[name] && g.ListOperations && g.Shadow == nil {
			if notes[name], err = g.operations(ctx, policy, name); err != nil {
				return nil, err
			}
		}
	}
	return tools.Edit(func(name string) bool { return visible[name] && g.Pins.difference(name) == "" }, func(name string) string { return notes[name] }), nil
}

// pin looks at the tools as the server describes them under a version, and puts on record which of
// them is not what it was. What no catalogue knows is never listed, nor pinned.
func (g *Gate) pin(version string, tools *wire.ToolList) error {
	for _, tool := range tools.Tools {
		if !slices.Contains(g.Catalog.Tools(), tool.Name) {
			continue
		}
		news, err := g.Pins.see(version, tool)
		if err != nil {
			return err
		}
		if news == "" {
			continue
		}
		message := fmt.Sprintf("the server changed its tool %s, which is hidden and refused from now on: %s", tool.Name, news)
		if err := g.Record.Append(audit.Record{Phase: audit.PhaseEvent, DecisionID: audit.NewID(), Class: classToolChanged, Message: message}); err != nil {
			return err
		}
		if g.ToolChanged != nil {
			g.ToolChanged(message)
		}
	}
	return nil
}

// unchanged refuses a call of a tool that is not what it was.
func (g *Gate) unchanged(tool string) error {
	if news := g.Pins.difference(tool); news != "" {
		return &refusal{classToolChanged, "the server changed what this tool says of itself, so it is not used until whoever runs the proxy has looked at it", "the tool changed: " + news}
	}
	return nil
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
// without AWS actions is asked about like a call. Each is asked about once for
// each revision of policy. In shadow mode nothing is hidden: a tool that nobody
// calls cannot be observed.
func (g *Gate) visible(ctx context.Context, policy Decider, tool string) (bool, error) {
	if g.Shadow != nil {
		return true, nil
	}
	revision := policy.Revision()
	if known, ok := g.shown.get(revision, tool); ok {
		return known, nil
	}
	visible, err := g.usable(ctx, policy, tool)
	if err == nil {
		g.shown.put(revision, tool, visible)
	}
	return visible, err
}

func (g *Gate) usable(ctx context.Context, policy Decider, tool string) (bool, error) {
	open, err := g.open(ctx, policy, tool)
	return err == nil && slices.ContainsFunc(g.Catalog.Needs(tool), open), err
}

// operations is the note for a tool's description; empty for one without operations.
func (g *Gate) operations(ctx context.Context, policy Decider, tool string) (string, error) {
	names := g.Catalog.Operations(tool)
	if len(names) == 0 {
		return "", nil
	}
	open, err := g.open(ctx, policy, tool)
	names = slices.DeleteFunc(names, func(name string) bool {
		return err != nil || !slices.ContainsFunc(g.Catalog.OperationNeeds(tool, name), open)
	})
	return "\n\nPolicy leaves these operations open to you, each call still being decided: " + strings.Join(names, ", ") + ".", err
}

// open returns whether the caller may go one way of using the tool, as far as
// IAM's layers alone say: an Allow is taken as if its conditions held, a Deny with
// conditions as if it did not fire, and guardrails as if they did not deny.
func (g *Gate) open(ctx context.Context, policy Decider, tool string) (func(way []string) bool, error) {
	actions := g.Catalog.Actions(tool)
	named, err := policy.Visible(ctx, g.Caller.Persona, slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return a == catalog.CallTool }))
	if err != nil {
		return nil, err
	}
	if slices.Contains(actions, catalog.CallTool) {
		may, err := g.mayCall(ctx, policy, tool)
		if err != nil {
			return nil, err
		}
		if may {
			named = append(named, catalog.CallTool)
		}
	}
	return func(way []string) bool {
		return len(way) > 0 && !slices.ContainsFunc(way, func(action string) bool { return !slices.Contains(named, action) })
	}, nil
}

// mayCall asks about the tool as such: its mcp documents name tools, not actions.
func (g *Gate) mayCall(ctx context.Context, policy Decider, tool string) (bool, error) {
	accesses, err := g.Catalog.Tool(g.Caller.Env, tool)
	if err != nil {
		return false, err
	}
	decision, err := policy.Decide(ctx, authz.Request{Principal: g.Caller.Principal, Persona: g.Caller.Persona,
		Region: g.Caller.Env.Region, Account: g.Caller.Env.Account,
		Call:     authz.Call{Method: "tools/call", Server: g.Catalog.Server(), Tool: tool},
		Accesses: accesses})
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(decision.Accesses, func(a authz.AccessResult) bool { return a.Verdict != authz.Allowed && !a.Possible }) &&
		len(decision.Accesses) > 0, nil
}

// shown remembers which tools are listed under one revision of policy. Its zero
// value is ready.
type shown struct {
	mu       sync.Mutex
	revision string
	tools    map[string]bool
}

func (s *shown) get(revision, tool string) (visible, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	visible, known = s.tools[tool]
	return visible, known && s.revision == revision
}

func (s *shown) put(revision, tool string, visible bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revision != revision || s.tools == nil {
		s.revision, s.tools = revision, map[string]bool{}
	}
	s.tools[tool] = visible
}
