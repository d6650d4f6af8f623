package mcp

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// maxArguments bounds what is resolved: AWS takes far less in any one request.
const maxArguments = 1 << 20

// resolve turns the message into accesses.
func (g *Gate) resolve(ctx context.Context, m *wire.Message) (*catalog.Resolution, error) {
	defer g.timed(ctx, StageCatalogue)()
	switch m.Method {
	case "tools/call":
		if m.HasTask && !g.takesTasks() {
			return nil, &refusal{classMethod, noTasks, noTasks}
		}
		if len(m.Arguments) > maxArguments {
			return nil, &refusal{classArgument, fmt.Sprintf("the arguments are longer than %d bytes; send less in one call", maxArguments), "arguments too long"}
		}
		if err := g.hidden(ctx, m.Name); err != nil {
			return nil, err
		}
		if err := g.unchanged(m.Name); err != nil {
			return nil, err
		}
		resolution, err := g.Catalog.Resolve(g.Caller.Env, m.Name, m.Arguments)
		if err == nil {
			err = g.tooLong(resolution)
		}
		return resolution, err
	case "prompts/get":
		accesses, err := g.Catalog.Prompt(g.Caller.Env, m.Name)
		return &catalog.Resolution{Tool: m.Name, Accesses: accesses}, err
	case "resources/read", "resources/subscribe":
		accesses, err := g.Catalog.Resource(g.Caller.Env, m.Name)
		return &catalog.Resolution{Tool: m.Name, Accesses: accesses}, err
	}
	return nil, &refusal{classMethod, "the method is not known here", "no resolution for method " + m.Method}
}

// defaultWait and all that is added to it end before a session does.
const defaultWait = 13 * time.Minute

// tooLong refuses a call that is to wait longer than configuration allows.
func (g *Gate) tooLong(r *catalog.Resolution) error {
	if most := cmp.Or(g.Wait, defaultWait); r.Wait > most {
		text := fmt.Sprintf("%s: %s asks to wait for %s, and limits.wait is %s; give at most %d", r.Tool, r.WaitArgument, r.Wait, most, int(most/time.Second))
		return &refusal{classArgument, text, text}
	}
	return nil
}
