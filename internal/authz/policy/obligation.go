package policy

import (
	"fmt"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// checkObligations refuses what the proxy could not do for guardrails: an
// obligation that it does not know, a Deny that is not IAM's grammar.
func checkObligations(d authz.Decision) error {
	for _, o := range d.Obligations {
		if err := o.Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrPolicy, err)
		}
	}
	for i, deny := range d.SessionDeny {
		g := &grammar{}
		if g.statement(fmt.Sprintf("session_deny[%d]", i), asStatement(deny)); len(g.problems) > 0 {
			return fmt.Errorf("%w: %w", ErrPolicy, g.problems[0])
		}
	}
	return nil
}

// asStatement is the Deny as a statement of a document would be decoded.
func asStatement(d authz.SessionDeny) map[string]any {
	statement := map[string]any{"Effect": "Deny", "Action": listOf(d.Action), "Resource": listOf(d.Resource)}
	if len(d.Condition) > 0 {
		condition := map[string]any{}
		for operator, pairs := range d.Condition {
			values := map[string]any{}
			for key, list := range pairs {
				values[key] = listOf(list)
			}
			condition[operator] = values
		}
		statement["Condition"] = condition
	}
	return statement
}

func listOf(texts []string) any {
	if texts == nil {
		return nil
	}
	list := make([]any, len(texts))
	for i, s := range texts {
		list[i] = s
	}
	return list
}
