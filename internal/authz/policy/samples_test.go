package policy

import (
	"context"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

const service = "arn:aws:ecs:us-east-1:123456789012:service/shop/web"

var (
	personaNames = []string{"read-only-monitoring", "troubleshooting", "deployment", "service-specific", "express-mode", "managed-server"}
	values       = map[string]string{"region": "us-east-1", "account": "123456789012", "partition": "aws", "cluster": "shop", "service": "web"}
)

func shipped(t testing.TB, name string) Document {
	t.Helper()
	d, err := Builtin(name, values)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// builtinPersonas are the five personas, each under the shipped boundary.
func builtinPersonas(t testing.TB) map[string]Persona {
	t.Helper()
	personas := map[string]Persona{}
	for _, name := range personaNames {
		personas[name] = Persona{
			Identity: []Document{shipped(t, name)},
			Boundary: []Document{shipped(t, "region-and-production")},
			MCP:      []Document{shipped(t, "default")},
		}
	}
	return personas
}

func builtinEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New(context.Background(), builtinPersonas(t))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func request(persona string, accesses ...authz.Access) authz.Request {
	return authz.Request{
		Principal: authz.Principal{ID: "alice", Kind: "os-user"}, Persona: persona,
		Region: "us-east-1", Account: "123456789012",
		Call:     authz.Call{Method: "tools/call", Server: "awslabs.ecs-mcp-server", Tool: "ecs_resource_management"},
		Accesses: accesses,
	}
}

func deleteService(context map[string]authz.Value, unknown ...string) authz.Access {
	return authz.Access{Action: "ecs:DeleteService", Resource: service, Context: context, Unknown: unknown, Taggable: true}
}

func passRole(to string) authz.Access {
	return authz.Access{Action: "iam:PassRole", Resource: "arn:aws:iam::123456789012:role/task", Context: in("us-east-1", "iam:PassedToService", to), Global: true}
}

func tool(name string) authz.Access {
	return authz.Access{Action: "mcp:CallTool", Resource: "arn:ecs-mcp-proxy:mcp:::" + name, Context: in("us-east-1")}
}

// in is a context with the region and, in pairs, further single-valued keys.
func in(region string, more ...string) map[string]authz.Value {
	c := map[string]authz.Value{"aws:RequestedRegion": authz.One(region)}
	for i := 0; i < len(more); i += 2 {
		c[more[i]] = authz.One(more[i+1])
	}
	return c
}
