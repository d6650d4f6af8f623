package policy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// The OPA that tests the policy is the OPA that decides by it.
func TestToolsAndProgramUseTheSameOPA(t *testing.T) {
	version := regexp.MustCompile(`github\.com/open-policy-agent/opa (v\S+)`)
	var found []string
	for _, name := range []string{"go.mod", "tools.mod"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		match := version.FindSubmatch(b)
		if match == nil {
			t.Fatalf("%s does not require OPA", name)
		}
		found = append(found, string(match[1]))
	}
	if found[0] != found[1] {
		t.Errorf("go.mod has OPA %s and tools.mod %s", found[0], found[1])
	}
}

// guardrailRules are the rules deny and obligation of the guardrails, by package.
func guardrailRules(t *testing.T) map[string][]*ast.Rule {
	t.Helper()
	modules, err := loadModules()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]*ast.Rule{}
	for path, module := range modules {
		if !strings.HasPrefix(path, "guardrails/") {
			continue
		}
		name := module.Package.Path.String()
		if !strings.HasPrefix(name, "data.ecsmcp.guardrails.") {
			t.Errorf("%s: package %s is not under ecsmcp.guardrails, so nobody would ask it", path, name)
		}
		for _, rule := range module.Rules {
			if rule.Head.Name == "deny" || rule.Head.Name == "obligation" {
				found[name] = append(found[name], rule)
			}
		}
		if len(found[name]) == 0 {
			t.Errorf("%s has no rule deny or obligation", path)
		}
	}
	if len(found) == 0 {
		t.Fatal("there are no guardrails")
	}
	return found
}

func TestGuardrailsExplainThemselves(t *testing.T) {
	for name, rules := range guardrailRules(t) {
		said := slices.ContainsFunc(rules, func(rule *ast.Rule) bool {
			return slices.ContainsFunc(rule.Annotations, func(a *ast.Annotations) bool {
				return a.Title != "" && a.Description != "" && a.Custom["remedy"] != nil
			})
		})
		if !said {
			t.Errorf("%s: its rule needs METADATA with title, description and custom.remedy", name)
		}
	}
}

// A guardrail that names what it is about is asked about nothing else; that is
// most of what decisions cost.
func TestGuardrailsSayWhatTheyAreAbout(t *testing.T) {
	w := &words{bits: map[string]uint64{}}
	for name, rules := range guardrailRules(t) {
		for _, rule := range rules {
			if w.triggerOf(rule) == (trigger{}) {
				t.Errorf("%s: a rule has no condition on input.call.write, input.actions or input.regions that can be told", name)
			}
		}
	}
	if len(w.bits) >= maxBits {
		t.Errorf("the guardrails name %d actions, more than can be told apart", len(w.bits))
	}
}

// query prepares a query about the embedded modules.
func query(t *testing.T, text string) rego.PreparedEvalQuery {
	t.Helper()
	modules, err := loadModules()
	if err != nil {
		t.Fatal(err)
	}
	compiler := ast.NewCompiler()
	if compiler.Compile(modules); compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	prepared, err := rego.New(rego.Query(text), rego.Compiler(compiler), rego.StrictBuiltinErrors(true)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return prepared
}

// The operators that the loader lets in are those that the evaluator knows.
func TestLoaderAndEvaluatorKnowTheSameOperators(t *testing.T) {
	results, err := query(t, "x := data.ecsmcp.iam.operators").Eval(t.Context())
	if err != nil || len(results) != 1 {
		t.Fatalf("got %v, %v", results, err)
	}
	evaluated := results[0].Bindings["x"].(map[string]any)
	for name, op := range operators {
		other, ok := evaluated[name].(map[string]any)
		if !ok || other["negated"] != op.negated {
			t.Errorf("%s: the evaluator has %v", name, evaluated[name])
		}
	}
	if len(evaluated) != len(operators) {
		t.Errorf("the evaluator has %d operators, the loader %d", len(evaluated), len(operators))
	}
}

func TestForbiddenBuiltinsExist(t *testing.T) {
	all := ast.CapabilitiesForThisVersion().Builtins
	for _, name := range forbidden {
		if !slices.ContainsFunc(all, func(b *ast.Builtin) bool { return b.Name == name }) {
			t.Errorf("OPA has no builtin %s; was it renamed?", name)
		}
	}
}
