package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// hints say what to do about errors that OPA words for its own developers. The
// first whose text an error contains is added to it.
var hints = []struct{ contains, hint string }{
	{"empty module", "write package ecsmcp.guardrails.NAME and its rules, or remove the file"},
	{"undefined function trace", "remove it; opa eval and opa test have trace, decisions have not"},
	{"undefined ref: input", "the request has no such member; docs/own-rego.md lists what it has"},
	{"rule data.ecsmcp.guardrails", "a guardrail cannot ask for the decision or for all guardrails, since they ask it"},
	{"`if` keyword is required", "this is Rego of before OPA 1.0; opa fmt --v0-v1 --write rewrites it"},
	{"`contains` keyword is required", "this is Rego of before OPA 1.0; opa fmt --v0-v1 --write rewrites it"},
	{"conflicting rule", "rules and data stand under one name; rename one of the two"},
}

// explained lists the errors of OPA one by one, each as FILE:LINE: what is
// wrong; what to do.
func explained(err error) (problems []error) {
	var list ast.Errors
	if one := (*ast.Error)(nil); errors.As(err, &one) {
		list = ast.Errors{one}
	} else if !errors.As(err, &list) {
		return []error{err}
	}
	for _, e := range list {
		text := e.Message
		if e.Details != nil {
			text += alternatives(text, e.Details.Lines())
		}
		if hint := hintFor(text); hint != "" {
			text += "; " + hint
		}
		if e.Location != nil && e.Location.File != "" {
			text = place(e.Location) + ": " + text
		}
		problems = append(problems, errors.New(text))
	}
	return problems
}

func hintFor(text string) string {
	if _, name, ok := strings.Cut(text, "undefined function "); ok && slices.Contains(forbidden, name) && name != "trace" {
		return "policy decides by the request alone, and has no network, clock, process or chance"
	}
	for _, h := range hints {
		if strings.Contains(text, h.contains) {
			return h.hint
		}
	}
	return ""
}

// alternatives puts OPA's details of a mistake onto its line.
func alternatives(text string, lines []string) string {
	var words []string
	for _, line := range lines {
		if line = strings.TrimSpace(line); strings.Trim(line, "^") != "" && !strings.HasSuffix(text, line) {
			words = append(words, strings.Join(strings.Fields(line), " "))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s)", strings.Join(words, "; "))
}

// faultyDeny says which guardrail made a decision unreadable, and by what, in the
// words of whoever wrote it. It is nil if none did.
func faultyDeny(value ast.Value) error {
	decision, err := ast.JSON(value)
	if err != nil {
		return nil
	}
	object, _ := decision.(map[string]any)
	denies, _ := object["denies"].([]any)
	for _, deny := range denies {
		reason, _ := deny.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(reason)) {
			if decode(map[string]any{name: reason[name]}, &authz.Reason{}) != nil {
				return fmt.Errorf("%w: guardrail %v: %s; it must be a message, or an object with message and, if need be, code, title, remedy and needs",
					ErrPolicy, reason["code"], faultOfDeny(name, reason[name]))
			}
		}
	}
	return nil
}

// faultOfDeny words that a member of a reason cannot be read. What is no object
// in deny was made the message of one.
func faultOfDeny(name string, value any) string {
	switch name {
	case "message":
		return fmt.Sprintf("an element of deny is %s, or has one for its message", kindOf(value))
	case "code", "title", "remedy":
		return fmt.Sprintf("%s of an element of deny is %s and no text", name, kindOf(value))
	case "needs":
		return "needs of an element of deny is no list of condition keys"
	}
	return fmt.Sprintf("an element of deny has a member %s, which nobody reads", name)
}

// kindOf names a JSON value that is no string: "a number".
func kindOf(value any) string {
	switch value.(type) {
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case bool:
		return "a boolean"
	}
	return "a number"
}
