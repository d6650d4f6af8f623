package policy

import (
	"fmt"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"
	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Drawn from few words, so that statements and accesses often meet.
var (
	someActions   = []string{"ecs:DeleteService", "ecs:Describe*", "ecs:*", "*", "ecs:UpdateService", "iam:PassRole"}
	someResources = []string{"*", service, "arn:aws:ecs:*:*:service/shop/*", "arn:aws:ecs:us-east-1:123456789012:service/other/*"}
	someOperators = []string{"StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists", "ForAnyValue:StringEquals", "ForAllValues:StringLike"}
	someKeys      = []string{"aws:ResourceTag/Environment", "aws:RequestedRegion", "aws:TagKeys", "aws:SourceIp"}
	someValues    = []string{"production", "staging", "us-east-1", "pro*"}
)

func drawStatement(t *rapid.T, effect string) map[string]any {
	s := map[string]any{"Effect": effect}
	s[rapid.SampledFrom([]string{"Action", "Action", "NotAction"}).Draw(t, "element")] = rapid.SampledFrom(someActions).Draw(t, "action")
	s[rapid.SampledFrom([]string{"Resource", "Resource", "NotResource"}).Draw(t, "element")] = rapid.SampledFrom(someResources).Draw(t, "resource")
	if rapid.Bool().Draw(t, "conditional") {
		s["Condition"] = map[string]any{rapid.SampledFrom(someOperators).Draw(t, "operator"): map[string]any{
			rapid.SampledFrom(someKeys).Draw(t, "key"): rapid.SampledFrom(someValues).Draw(t, "value")}}
	}
	return s
}

func drawStatements(t *rapid.T) (statements []any) {
	for range rapid.IntRange(1, 4).Draw(t, "statements") {
		statements = append(statements, drawStatement(t, rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")))
	}
	return statements
}

func drawAccess(t *rapid.T) authz.Access {
	context := map[string]authz.Value{}
	for _, key := range someKeys {
		switch rapid.IntRange(0, 2).Draw(t, key) {
		case 0:
			context[key] = authz.One(rapid.SampledFrom(someValues).Draw(t, "value"))
		case 1:
			context[key] = authz.Many(rapid.SliceOfN(rapid.SampledFrom(someValues), 0, 2).Draw(t, "values")...)
		}
	}
	return authz.Access{Action: rapid.SampledFrom([]string{"ecs:DeleteService", "ecs:DescribeServices"}).Draw(t, "action"), Resource: service, Context: context}
}

// judge answers an access under layers: identity, then boundary.
type judge func(t *rapid.T, access authz.Access, layers ...[]any) authz.AccessResult

func newJudge(t *testing.T) judge {
	prepared := query(t, "x := data.ecsmcp.iam.results(input.layers, [input.access])")
	return func(t *rapid.T, access authz.Access, layers ...[]any) authz.AccessResult {
		persona := map[string]any{}
		for i, statements := range layers {
			document := map[string]any{"Version": "2012-10-17", "Statement": statements}
			persona[[]string{"identity", "boundary"}[i]] = []any{map[string]any{"name": fmt.Sprint("d", i), "document": document}}
		}
		results, err := prepared.Eval(t.Context(), rego.EvalInput(map[string]any{"layers": persona, "access": access}))
		if err != nil || len(results) != 1 {
			t.Fatalf("got %v, %v", results, err)
		}
		var answers []authz.AccessResult
		if err := decode(results[0].Bindings["x"], &answers); err != nil || len(answers) != 1 {
			t.Fatalf("got %v, %v", answers, err)
		}
		return answers[0]
	}
}

func TestAddingADenyNeverAddsAnAllow(t *testing.T) {
	verdictOf := newJudge(t)
	rapid.Check(t, func(t *rapid.T) {
		statements, access := drawStatements(t), drawAccess(t)
		before := verdictOf(t, access, statements)
		after := verdictOf(t, access, append(statements, drawStatement(t, "Deny")))
		if after.Verdict == authz.Allowed && before.Verdict != authz.Allowed {
			t.Fatalf("%v became %v", before, after)
		}
	})
}

func TestABoundaryNeverAddsAnAllow(t *testing.T) {
	verdictOf := newJudge(t)
	rapid.Check(t, func(t *rapid.T) {
		statements, access := drawStatements(t), drawAccess(t)
		before := verdictOf(t, access, statements)
		after := verdictOf(t, access, statements, drawStatements(t))
		if after.Verdict == authz.Allowed && before.Verdict != authz.Allowed {
			t.Fatalf("%v became %v", before, after)
		}
	})
}

// Not knowing a key allows nothing that knowing it would not, whatever its value;
// and if knowing it would allow, the answer says that it is possible, and which
// key it takes.
func TestNotKnowingNeverAddsAnAllow(t *testing.T) {
	verdictOf := newJudge(t)
	rapid.Check(t, func(t *rapid.T) {
		statements, known := drawStatements(t), drawAccess(t)
		key := rapid.SampledFrom(someKeys).Draw(t, "unknown")
		unknown := known
		unknown.Context = map[string]authz.Value{}
		for k, v := range known.Context {
			if k != key {
				unknown.Context[k] = v
			}
		}
		unknown.Unknown = []string{key}
		with, without := verdictOf(t, known, statements), verdictOf(t, unknown, statements)
		if without.Verdict == authz.Allowed && with.Verdict != authz.Allowed {
			t.Fatalf("known %v, unknown %v", with, without)
		}
		if with.Verdict == authz.Allowed && without.Verdict != authz.Allowed && (!without.Possible || len(without.Needs) == 0) {
			t.Fatalf("known %v, unknown %v", with, without)
		}
	})
}
