package policy

import (
	"encoding/json"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"pgregory.net/rapid"
)

// drawArguments draws JSON of the names that rego/lib/arguments looks at, and of
// others that fold onto them.
func drawArguments(t *rapid.T, depth int) any {
	kinds := []string{"text", "text", "number", "bool", "null", "list", "object", "object", "object"}
	if depth == 0 {
		kinds = kinds[:5]
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "text":
		return rapid.SampledFrom([]string{"", "web", " {\"a\":1}", "a\nb", "0"}).Draw(t, "text")
	case "number":
		return rapid.SampledFrom([]any{0, 1.5, json.Number("12345678901234567890")}).Draw(t, "number")
	case "bool":
		return rapid.Bool().Draw(t, "bool")
	case "list":
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range list {
			list[i] = drawArguments(t, depth-1)
		}
		return list
	case "object":
		object := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "size") {
			name := rapid.SampledFrom([]string{"desiredCount", "desired_count", "DESIRED-COUNT", "environment", "dockerLabels", "options", "Options",
				"logConfiguration", "log_configuration", "dockerVolumeConfiguration", "labels", "containerDefinitions", "image", "", "_", "ÄÖ", "\u212aelvin"}).Draw(t, "name")
			object[name] = drawArguments(t, depth-1)
		}
		return object
	}
	return nil
}

// What guardrails see of the arguments is what rego/lib/arguments reads in them.
func TestNativeReadsArgumentsAsRegoDoes(t *testing.T) {
	law := query(t, "x := data.ecsmcp.lib.arguments.read(input)")
	rapid.Check(t, func(t *rapid.T) {
		given, err := valueOf(drawArguments(t, 4))
		if err != nil {
			t.Fatal(err)
		}
		results, err := law.Eval(t.Context(), rego.EvalParsedInput(given), rego.EvalGenerateJSON(asValue))
		if err != nil || len(results) != 1 {
			t.Fatalf("got %v, %v", results, err)
		}
		want := results[0].Bindings["x"].(ast.Value)
		if got := readArguments(ast.NewTerm(given)); want.Compare(got.Value) != 0 {
			t.Fatalf("of %v\nnative %v\nRego   %v", given, got, want)
		}
	})
}
