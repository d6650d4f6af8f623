package grant

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// ErrSessionDeny is the class of a Deny of a guardrail that cannot be repeated
// in a session policy. The call is refused: without the Deny it would be lent more.
var ErrSessionDeny = errors.New("session deny cannot be used")

// deny is one Deny, limited to actions that are decided.
type deny struct {
	actions, resources []string
	condition          string // as JSON, so that equal ones compare equal
}

// denyStatements writes denies as far as they name an action of items: of other
// actions the session allows nothing anyway. Equal parts are merged and all is
// sorted, so equal orders give equal bytes.
func denyStatements(items []Item, denies []authz.SessionDeny) ([]statement, error) {
	var list []deny
	for i, d := range denies {
		condition, err := checkDeny(d)
		if err != nil {
			return nil, fmt.Errorf("%w: statement %d: %w", ErrSessionDeny, i, err)
		}
		if actions := named(items, d.Action); len(actions) > 0 {
			list = append(list, deny{actions, sorted(d.Resource), condition})
		}
	}
	// A statement is about every pair of its actions and resources, so two may
	// become one only where they agree in one of the two.
	list = merge(list, func(d *deny) (*[]string, *[]string) { return &d.actions, &d.resources })
	list = merge(list, func(d *deny) (*[]string, *[]string) { return &d.resources, &d.actions })
	var statements []statement
	for _, d := range list {
		var c condition
		if err := json.Unmarshal([]byte(d.condition), &c); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSessionDeny, err)
		}
		statements = append(statements, statement{"Deny", oneOrMany(d.actions), oneOrMany(d.resources), c})
	}
	return statements, nil
}

// merge joins the one list of denies whose other list and condition are equal.
func merge(list []deny, parts func(*deny) (joined, equal *[]string)) (merged []deny) {
	byKey := map[string]deny{}
	for _, d := range list {
		joined, equal := parts(&d)
		key := d.condition + "\n" + strings.Join(*equal, "\n")
		if other, ok := byKey[key]; ok {
			more, _ := parts(&other)
			*joined = sorted(slices.Concat(*joined, *more))
		}
		byKey[key] = d
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		merged = append(merged, byKey[key])
	}
	return merged
}

// checkDeny refuses what AWS would refuse or read otherwise than Rego did. The
// grammar of values and operators was checked where policy was asked.
func checkDeny(d authz.SessionDeny) (string, error) {
	if len(d.Action) == 0 || len(d.Resource) == 0 {
		return "", errors.New("it needs at least one Action and one Resource")
	}
	for _, action := range d.Action {
		if service, name, ok := strings.Cut(action, ":"); action != "*" && (!ok || service == "" || name == "" || strings.ContainsAny(service, "*?")) {
			return "", fmt.Errorf("%q is no action; write service:Name, with wildcards in the name only", action)
		}
	}
	for _, text := range slices.Concat(d.Action, d.Resource) {
		if err := checkText(text); err != nil {
			return "", err
		}
	}
	c := condition{}
	for operator, keys := range d.Condition {
		for key, values := range keys {
			if authz.IsOwnKey(key) {
				return "", fmt.Errorf("%s is a key of the proxy's own, which AWS would find absent", key)
			}
			if len(values) == 0 {
				return "", fmt.Errorf("%s %s has no value to compare with", operator, key)
			}
			for _, text := range append([]string{operator, key}, values...) {
				if err := checkText(text); err != nil {
					return "", err
				}
			}
			c.add(operator, key, oneOrMany(sorted(values)))
		}
		if len(keys) == 0 {
			return "", fmt.Errorf("%s names no key", operator)
		}
	}
	b, err := json.Marshal(c)
	return string(b), err
}

// checkText: a policy variable would be filled in by AWS and not by Rego, and a
// session policy holds no characters beyond Latin 1.
// Source: STS API reference, AssumeRole, parameter Policy.
func checkText(text string) error {
	if strings.Contains(text, "${") {
		return fmt.Errorf("%q holds a policy variable; let the guardrail put the value there", text)
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > 'ÿ' }) {
		return fmt.Errorf("%q is empty, or holds a character that a session policy cannot", text)
	}
	return nil
}

// named returns the decided actions that the patterns name, in order. IAM
// compares actions without case.
func named(items []Item, patterns []string) (actions []string) {
	for _, item := range items {
		if slices.ContainsFunc(patterns, func(p string) bool { return globs(strings.ToLower(p), strings.ToLower(item.Access.Action)) }) {
			actions = append(actions, item.Access.Action)
		}
	}
	return sorted(actions)
}

// globs matches with IAM's wildcards: "*" is any text, "?" one character.
func globs(pattern, text string) bool {
	star, retry, p, t := -1, 0, 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0: // let the last "*" take one more
			retry++
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// sorted returns a sorted copy without repetitions.
func sorted(s []string) []string { return slices.Compact(slices.Sorted(slices.Values(s))) }
