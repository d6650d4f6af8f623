package policy

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// question asks some guardrails, and no others, what the rule decision of
// rego/authz asks all of them. OPA looks up a guardrail that the query names far
// faster than one whose name it comes across.
type question struct {
	names    [][]string // by railRules
	prepared func() (rego.PreparedEvalQuery, error)
}

// saidIn are the members of a decision, with what makes them of what guardrails
// say by railRules: of none, of one, and of two together.
var saidIn = []struct{ member, none, one, two string }{
	{"denies", "[]", `[reason | some found in data.ecsmcp.guardrails[%[1]s].deny; reason := data.ecsmcp.authz.as_reason(%[1]s, found)]`, "array.concat(%s, %s)"},
	{"obligations", "[]", `[found | some found in data.ecsmcp.guardrails[%s].obligation]`, "array.concat(%s, %s)"},
	{"session_deny", "[]", `[found | some found in data.ecsmcp.guardrails[%s].session_deny]`, "array.concat(%s, %s)"},
	{"context", "{}", `{%[1]s: found | found := data.ecsmcp.guardrails[%[1]s].context}`, "object.union(%s, %s)"},
}

func newQuestion(names [][]string, prepare preparer) *question {
	return &question{names, sync.OnceValues(func() (rego.PreparedEvalQuery, error) {
		return prepare(context.Background(), queryOf(names))
	})}
}

func queryOf(names [][]string) string {
	members := make([]string, len(saidIn))
	for i, in := range saidIn {
		said := in.none
		for k, name := range names[i] {
			one := fmt.Sprintf(in.one, ast.String(name))
			if said = fmt.Sprintf(in.two, said, one); k == 0 {
				said = one
			}
		}
		members[i] = fmt.Sprintf("%q: %s", in.member, said)
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// ask returns what the guardrails say about r: a decision without what IAM says.
func (q *question) ask(ctx context.Context, r authz.Request) (authz.Decision, error) {
	query, err := q.prepared()
	if err != nil {
		return authz.Decision{}, err
	}
	return ask(ctx, query, r)
}
