package policy

import (
	"context"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

var testValues = map[string]string{
	"region": "us-east-1", "account": "123456789012", "partition": "aws",
	"cluster": "shop", "service": "web",
}

func builtinDocument(t testing.TB, name string) Document {
	t.Helper()
	d, err := Builtin(name, testValues)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// builtinPersonas are the five personas, each under the shipped boundary.
func builtinPersonas(t testing.TB) map[string]Persona {
	t.Helper()
	personas := map[string]Persona{}
	for _, name := range []string{"read-only-monitoring", "troubleshooting", "deployment", "service-specific", "express-mode"} {
		personas[name] = Persona{
			Identity: []Document{builtinDocument(t, name)},
			Boundary: []Document{builtinDocument(t, "region-and-production")},
			MCP:      []Document{builtinDocument(t, "default")},
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

const production = "arn:aws:ecs:us-east-1:123456789012:service/shop/web"

func deleteService(context map[string]authz.Value, unknown ...string) authz.Access {
	return authz.Access{Action: "ecs:DeleteService", Resource: production, Context: context, Unknown: unknown, Taggable: true}
}

func in(region string, more ...string) map[string]authz.Value {
	c := map[string]authz.Value{"aws:RequestedRegion": authz.One(region)}
	for i := 0; i+1 < len(more); i += 2 {
		c[more[i]] = authz.One(more[i+1])
	}
	return c
}

func TestSmoke(t *testing.T) {
	e := builtinEngine(t)
	for _, a := range []authz.Access{
		deleteService(in("us-east-1", "aws:ResourceTag/Environment", "production")),
		deleteService(in("us-east-1", "aws:ResourceTag/Environment", "staging")),
		deleteService(in("us-east-1"), "aws:ResourceTag/*"),
		deleteService(in("us-west-2"), "aws:ResourceTag/*"),
	} {
		d, err := e.Decide(t.Context(), request("deployment", a))
		t.Logf("%+v %v", d, err)
	}
	v, err := e.Visible(t.Context(), "read-only-monitoring", []string{"ecs:DescribeServices", "ecs:DeleteService"})
	t.Log(v, err, e.Warnings())
}

func BenchmarkDecideOneAccess(b *testing.B) {
	e := builtinEngine(b)
	r := request("deployment", deleteService(in("us-east-1"), "aws:ResourceTag/*", "aws:SourceIp"))
	for b.Loop() {
		if _, err := e.Decide(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
