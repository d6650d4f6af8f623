package redact

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// Whatever AWS's own model of ECS marks as sensitive in an answer, and every
// secret, is kept from the client with the guardrails as they come, and nothing
// else is touched. testdata/answers.txt is written by package catalog's gen.
func TestWhatAWSMarksAsSensitiveIsKept(t *testing.T) {
	all, err := policy.ReadDocument("all", []byte(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := policy.New(t.Context(), map[string]policy.Persona{
		"usual":  {Identity: []policy.Document{all}},
		"spared": {Identity: []policy.Document{all}, Guardrails: policy.Guardrails{"redact_answers": "off"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	obligations := func(persona, action string) []authz.Obligation {
		d, err := e.Decide(t.Context(), authz.Request{Persona: persona, Region: "us-east-1", Account: "123456789012",
			Call:     authz.Call{Method: "tools/call", Tool: "any"},
			Accesses: []authz.Access{{Action: action, Resource: "*", Context: map[string]authz.Value{"aws:RequestedRegion": authz.One("us-east-1")}}}})
		if err != nil {
			t.Fatalf("%s: %v", action, err)
		}
		return d.Obligations
	}
	b, err := os.ReadFile("testdata/answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(b)))
	if len(lines) < 20 {
		t.Fatalf("only %d places", len(lines))
	}
	for _, line := range lines {
		action, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		t.Run(action+" "+path, func(t *testing.T) {
			answer, err := json.Marshal(map[string]any{"structuredContent": at(strings.Split(path, "."))})
			if err != nil {
				t.Fatal(err)
			}
			r, err := New(obligations("usual", action))
			if err != nil {
				t.Fatal(err)
			}
			got, count := r.Response(read(t, result1+string(answer)+"}"))
			if count != 1 || strings.Contains(string(got), "hunter2") || !strings.Contains(string(got), `"other":"stays"`) {
				t.Errorf("%d values taken out: %s", count, got)
			}
			if spared := obligations("spared", action); len(spared) != 0 {
				t.Errorf("switched off, there are obligations: %v", spared)
			}
		})
	}
}

// at is an answer with a secret at the path.
func at(path []string) any {
	name, list := strings.CutSuffix(path[0], "[]")
	var value any
	switch {
	case len(path) > 1:
		value = at(path[1:])
	case name == "environment":
		value = []any{map[string]any{"name": "PASSWORD", "value": "hunter2"}}
	case name == "secrets":
		value = []any{map[string]any{"name": "PASSWORD", "valueFrom": "hunter2"}}
	case name == "repositoryCredentials":
		value = map[string]any{"credentialsParameter": "hunter2"}
	default:
		value = "hunter2"
	}
	if list {
		value = []any{value}
	}
	return map[string]any{name: value, "other": "stays"}
}
