package explain

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

const (
	account = "123456789012"
	region  = "us-east-1"
)

// who is one persona of the tests: names of built-in documents, or documents.
type who struct {
	identity, boundary []string
	mcp                []string // default if empty
	values             map[string]string
	guardrails         policy.Guardrails
}

// people are the personas that most tests have.
var people = map[string]who{
	"reader":   {identity: []string{"read-only-monitoring"}, boundary: []string{"region-and-production"}},
	"deployer": {identity: []string{"deployment"}, boundary: []string{"region-and-production"}},
	"checkout": {identity: []string{"service-specific"}, boundary: []string{"region-and-production"}, values: map[string]string{"cluster": "shop", "service": "checkout"}},
}

// explainer returns one that decides with the real catalogue and engine.
func explainer(t testing.TB, persona string, extra map[string]who) *Explainer {
	t.Helper()
	server, err := catalog.Builtin("awslabs.ecs-mcp-server")
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(people)
	maps.Copy(all, extra)
	read := func(region string) (map[string]mcp.Caller, map[string]policy.Persona, error) {
		callers, personas := map[string]mcp.Caller{}, map[string]policy.Persona{}
		for name, w := range all {
			callers[name] = mcp.Caller{Principal: authz.Principal{Kind: "os-user", ID: "alice"}, Persona: name,
				Role: "arn:aws:iam::" + account + ":role/mcp-" + name, Env: catalog.Env{Partition: "aws", Account: account, Region: region}}
			p, err := w.load(region)
			if err != nil {
				return nil, nil, err
			}
			personas[name] = p
		}
		return callers, personas, nil
	}
	callers, personas, err := read(region)
	if err != nil {
		t.Fatal(err)
	}
	return &Explainer{Catalog: server, Callers: callers, Personas: personas, Persona: persona, InRegion: read,
		Compile:    compiled,
		Guardrails: func(g policy.Guardrails) (map[string]policy.GuardrailState, error) { return g.States() },
		Timeout:    time.Minute, Now: func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }}
}

// engines are those that were compiled, by what they were compiled of.
var engines sync.Map

func compiled(ctx context.Context, p map[string]policy.Persona) (mcp.Decider, error) {
	key, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	if e, ok := engines.Load(string(key)); ok {
		return e.(mcp.Decider), nil
	}
	e, err := policy.New(ctx, p)
	if err != nil {
		return nil, err
	}
	engines.Store(string(key), e)
	return e, nil
}

func (w who) load(region string) (policy.Persona, error) {
	values := map[string]string{"region": region, "account": account, "partition": "aws"}
	maps.Copy(values, w.values)
	p := policy.Persona{Guardrails: w.guardrails}
	if w.mcp == nil {
		w.mcp = []string{"default"}
	}
	for _, list := range []struct {
		to    *[]policy.Document
		names []string
	}{{&p.Identity, w.identity}, {&p.Boundary, w.boundary}, {&p.MCP, w.mcp}} {
		for _, name := range list.names {
			d, err := document(name, values)
			if err != nil {
				return p, err
			}
			*list.to = append(*list.to, d)
		}
	}
	return p, nil
}

func document(name string, values map[string]string) (policy.Document, error) {
	if name[0] == '{' {
		return policy.ReadDocument("own", []byte(name))
	}
	return policy.Builtin(name, values)
}

// api is the arguments of ecs_resource_management.
func api(operation, parameters string) json.RawMessage {
	return json.RawMessage(`{"api_operation":"` + operation + `","api_params":` + parameters + `}`)
}

func ask(t testing.TB, x *Explainer, tool string, arguments json.RawMessage) *Explanation {
	t.Helper()
	e, err := x.Call(t.Context(), tool, arguments)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func BenchmarkExplain(b *testing.B) {
	for b.Loop() {
		engines.Clear()
		ask(b, explainer(b, "reader", nil), "ecs_resource_management", api("DeleteService", `{"cluster":"shop","service":"checkout"}`))
	}
}
