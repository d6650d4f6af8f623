package policy

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"
)

// A machine that stands still while policy is asked has not made policy slow.
func TestAnEvaluationOfAMachineThatStoodStillIsNoSlowOne(t *testing.T) {
	testkit.StoodStill(t, maxEvaluation+maxEvaluation/4, evaluateStopped)
}

// evaluateStopped evaluates a query in the midst of which the process is stopped.
func evaluateStopped(t *testing.T) {
	stop := rego.Function1(&rego.Function{Name: "stop", Decl: types.NewFunction(types.Args(types.A), types.A)},
		func(_ rego.BuiltinContext, a *ast.Term) (*ast.Term, error) { return a, testkit.StandStill() })
	query, err := rego.New(rego.Query("[stop(1), count([a | a := numbers.range(1, 100000)[_]])]"), stop, rego.GenerateJSON(asValue)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evaluate(t.Context(), query, ast.ObjectTerm().Value); err != nil {
		t.Error(err)
	}
}
