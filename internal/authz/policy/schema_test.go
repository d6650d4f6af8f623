package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

var update = flag.Bool("update", false, "write the golden files")

// whole has every field of a Request set.
func whole() authz.Request {
	return authz.Request{
		Principal: authz.Principal{ID: "alice", Kind: "os-user", Tags: map[string]string{"uid": "1000"}},
		Persona:   "deployment", Region: "us-east-1", Account: "123456789012",
		Call: authz.Call{Method: "tools/call", Server: "awslabs.ecs-mcp-server", Tool: "ecs_resource_management", Operation: "TagResource",
			Write: true, Sensitive: true, EscapesScope: true, LeavesCredentials: true, Arguments: json.RawMessage(`{"api_operation": "TagResource", "api_params": {"tags": [{"key": "a"}]}}`)},
		Accesses: []authz.Access{{
			Action: "ecs:TagResource", Resource: service,
			Context:  map[string]authz.Value{"aws:RequestedRegion": authz.One("us-east-1"), "aws:TagKeys": authz.Many("a", "b"), "ecs:subnet": authz.Many()},
			Unknown:  []string{"aws:SourceIp", "aws:ResourceTag/*"},
			Subject:  service,
			Optional: true, Unscopable: true, Taggable: true, Global: true, Creates: true, Unverified: true,
		}},
	}
}

func TestRequestIsWrittenAsBefore(t *testing.T) {
	got, err := json.MarshalIndent(whole().WithSummary(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "request.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the input document of policy changed; if that is meant, run go test -update\n%s", got)
	}
}

// matches reports what rego/schema/input.json says about a document.
func matches(t *testing.T, document any) (bool, any) {
	t.Helper()
	schema, err := fs.ReadFile(files.Files, "schema/input.json")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	results, err := rego.New(rego.Query("[ok, errors] := json.match_schema(input.document, input.schema)"), rego.StrictBuiltinErrors(true),
		rego.Input(map[string]any{"document": string(b), "schema": string(schema)})).Eval(t.Context())
	if err != nil || len(results) != 1 {
		t.Fatalf("match schema: %v, %v", results, err)
	}
	return results[0].Bindings["ok"].(bool), results[0].Bindings["errors"]
}

func TestRequestMatchesItsSchema(t *testing.T) {
	for name, r := range map[string]authz.Request{"a whole one": whole(), "the zero one": {}, "a usual one": request("deployment", deleteService(in("us-east-1")))} {
		t.Run(name, func(t *testing.T) {
			if ok, problems := matches(t, r.WithSummary()); !ok {
				t.Errorf("%v", problems)
			}
		})
	}
}

func TestSchemaRefusesWhatIsNoRequest(t *testing.T) {
	for name, change := range map[string]func(document map[string]any){
		"a field nobody knows":         func(d map[string]any) { d["allow"] = true },
		"no persona":                   func(d map[string]any) { delete(d, "persona") },
		"a context value of numbers":   func(d map[string]any) { access(d)["context"] = map[string]any{"ecs:task-cpu": 256} },
		"an access field nobody knows": func(d map[string]any) { access(d)["taggable?"] = true },
		"an action with a wildcard":    func(d map[string]any) { access(d)["action"] = "ecs:*" },
	} {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(whole().WithSummary())
			if err != nil {
				t.Fatal(err)
			}
			var document map[string]any
			if err := json.Unmarshal(b, &document); err != nil {
				t.Fatal(err)
			}
			change(document)
			if ok, _ := matches(t, document); ok {
				t.Error("it matches")
			}
		})
	}
}

func access(document map[string]any) map[string]any {
	return document["accesses"].([]any)[0].(map[string]any)
}

// Every field of the Go types is declared, and nothing else: opa check --schema
// can then tell a misspelled reference.
func TestSchemaDeclaresEveryField(t *testing.T) {
	b, err := fs.ReadFile(files.Files, "schema/input.json")
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Properties map[string]*node
		Items      *node
	}
	var root node
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	compare := func(name string, typ reflect.Type, declared map[string]*node) {
		fields := map[string]bool{}
		for i := range typ.NumField() {
			field, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if field == "-" {
				continue // not of the document
			}
			fields[field] = true
			if declared[field] == nil {
				t.Errorf("%s.%s is not in the schema", name, field)
			}
		}
		for field := range declared {
			if !fields[field] {
				t.Errorf("%s.%s is in the schema only", name, field)
			}
		}
	}
	compare("request", reflect.TypeFor[authz.Request](), root.Properties)
	compare("principal", reflect.TypeFor[authz.Principal](), root.Properties["principal"].Properties)
	compare("call", reflect.TypeFor[authz.Call](), root.Properties["call"].Properties)
	compare("access", reflect.TypeFor[authz.Access](), root.Properties["accesses"].Items.Properties)
}
