package policy

import (
	"encoding/json"
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
		statement, err := asStatement(deny)
		if err != nil {
			return fmt.Errorf("%w: session_deny[%d]: %w", ErrPolicy, i, err)
		}
		g := &grammar{}
		if g.statement(fmt.Sprintf("session_deny[%d]", i), statement); len(g.problems) > 0 {
			return fmt.Errorf("%w: %w", ErrPolicy, g.problems[0])
		}
	}
	return nil
}

// asStatement is the Deny as a statement of a document would be decoded.
func asStatement(d authz.SessionDeny) (statement map[string]any, err error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if err = json.Unmarshal(b, &statement); err == nil {
		statement["Effect"] = "Deny"
	}
	return statement, err
}
