package policy

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

const allowed = `{"decision": "allowed", "layer": "identity", "statements": [], "unknown": [], "possible": true, "needs": [], "near": []}`

// faulty is an engine whose decision is the given Rego.
func faulty(t *testing.T, decision string) (*Engine, error) {
	t.Helper()
	text := "package ecsmcp.authz\nvisible := []\n" + decision
	module, err := ast.ParseModuleWithOpts("faulty.rego", text, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatal(err)
	}
	return newEngine(t.Context(), nativeAnswers, map[string]*ast.Module{"faulty.rego": module}, map[string]any{}, nil)
}

// Whatever policy says, one access that is not allowed and not optional, a
// guardrail's deny, or an answer that is not one well-formed object, never allows.
func TestDecideFailsClosed(t *testing.T) {
	tests := map[string]string{
		"undefined":                               `decision := {"allow": true} if false`,
		"a conflict":                              "decision := {\"allow\": true} if input.persona\ndecision := {\"allow\": false} if input.persona",
		"a bare true":                             `decision := true`,
		"a string":                                `decision := "allow"`,
		"null":                                    `decision := null`,
		"a member nobody knows":                   `decision := {"allow": true, "accesses": [` + allowed + `], "deny": true}`,
		"no accesses":                             `decision := {"allow": true, "accesses": []}`,
		"an access too many":                      `decision := {"allow": true, "accesses": [` + allowed + `, ` + allowed + `]}`,
		"an access that is refused":               `decision := {"allow": true, "accesses": [{"decision": "implicitDeny"}]}`,
		"a word that is not IAM's":                `decision := {"allow": true, "accesses": [{"decision": "Allowed"}]}`,
		"an allow that is no bool":                `decision := {"allow": "true", "accesses": [` + allowed + `]}`,
		"a guardrail that denies":                 `decision := {"allow": true, "accesses": [` + allowed + `], "denies": [{"code": "c", "title": "t", "message": "m"}]}`,
		"a builtin's error":                       `decision := {"allow": to_number("x") == 1, "accesses": [` + allowed + `]}`,
		"a division by zero":                      `decision := {"allow": 1 / (count(input.accesses) - 1) == 1, "accesses": [` + allowed + `]}`,
		"one key with two values":                 `decision := {"allow": true, "accesses": [{k: v | some k, v in {"a": 1}} | some x in {1}; {"k": y | some y in {1, 2}}]}`,
		"a near miss that is a text":              `decision := {"allow": true, "accesses": [object.union(` + allowed + `, {"near": ["x"]})]}`,
		"a near miss too much to say":             `decision := {"allow": true, "accesses": [object.union(` + allowed + `, {"near": [{"Key": "x"}]})]}`,
		"near misses that are none":               `decision := {"allow": true, "accesses": [object.union(` + allowed + `, {"near": {}})]}`,
		"a member of an access that nobody knows": `decision := {"allow": true, "accesses": [object.union(` + allowed + `, {"deny": true})]}`,
		"a layer that is no text":                 `decision := {"allow": true, "accesses": [object.union(` + allowed + `, {"layer": 1})]}`,
		"accesses that are no array":              `decision := {"allow": true, "accesses": {"0": ` + allowed + `}}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := faulty(t, text)
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Decide(t.Context(), request("deployment", deleteService(in("us-east-1"))))
			if d.Allow || !errors.Is(err, ErrPolicy) {
				t.Errorf("got %+v, %v; want the zero Decision and an ErrPolicy", d, err)
			}
		})
	}
}

func TestDecideNeverAllowsNothing(t *testing.T) {
	optional := deleteService(in("us-east-1"))
	optional.Optional = true
	tests := map[string]struct {
		decision string
		accesses []authz.Access
	}{
		"without accesses":            {`decision := {"allow": true, "accesses": []}`, nil},
		"with refused optional ones":  {`decision := {"allow": true, "accesses": [{"decision": "explicitDeny"}]}`, []authz.Access{optional}},
		"with a verdict left to zero": {`decision := {"allow": true, "accesses": [{"layer": "identity"}]}`, []authz.Access{optional}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := faulty(t, tt.decision)
			if err != nil {
				t.Fatal(err)
			}
			if d, err := e.Decide(t.Context(), request("deployment", tt.accesses...)); d.Allow || !errors.Is(err, ErrPolicy) {
				t.Errorf("got %+v, %v", d, err)
			}
		})
	}
}

func TestPolicyCannotReachOutside(t *testing.T) {
	for name, text := range map[string]string{
		"the network":     `decision := http.send({"method": "get", "url": "http://127.0.0.1"})`,
		"name resolution": `decision := net.lookup_ip_addr("localhost")`,
		"the process":     `decision := opa.runtime()`,
		"the clock":       `decision := time.now_ns()`,
		"chance":          `decision := rand.intn("x", 2)`,
		"signing":         `decision := providers.aws.sign_req({}, {}, 0)`,
		"unique ids":      `decision := uuid.rfc4122("x")`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := faulty(t, text); !errors.Is(err, ErrPolicy) {
				t.Errorf("got %v, want an ErrPolicy", err)
			}
		})
	}
}

func TestEvaluationEndsWithItsDeadline(t *testing.T) {
	e, err := faulty(t, `decision := {"allow": count([1 | some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a == -b]) == 0}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if d, err := e.Decide(ctx, request("deployment", deleteService(in("us-east-1")))); d.Allow || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestPanicInAnEvaluationEndsThatEvaluation(t *testing.T) {
	broken := rego.Function1(&rego.Function{Name: "broken", Decl: types.NewFunction(types.Args(types.A), types.A)},
		func(rego.BuiltinContext, *ast.Term) (*ast.Term, error) { panic("broken builtin") })
	query, err := rego.New(rego.Query("broken(1)"), broken).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{decision: query}
	if d, err := e.Decide(t.Context(), request("deployment", deleteService(in("us-east-1")))); d.Allow || !errors.Is(err, ErrPolicy) {
		t.Errorf("got %+v, %v", d, err)
	}
}
