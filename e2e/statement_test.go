//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// statements are those of a session policy.
func statements(d iamtest.Document) (all []map[string]any) {
	for _, s := range d["Statement"].([]any) {
		all = append(all, s.(map[string]any))
	}
	return all
}

// replaced is the document with another statement in the place of one; none for nil.
func replaced(t *testing.T, d iamtest.Document, i int, by map[string]any) iamtest.Document {
	t.Helper()
	all := statements(d)
	if by == nil {
		all = slices.Delete(all, i, i+1)
	} else {
		all[i] = by
	}
	if len(all) == 0 {
		t.Fatal("a session policy of one statement")
	}
	return withStatements(d, all)
}

func withStatements(d iamtest.Document, all []map[string]any) iamtest.Document {
	out := maps.Clone(d)
	list := make([]any, len(all))
	for i, s := range all {
		list[i] = s
	}
	out["Statement"] = list
	return out
}

// withoutDenies leaves out the Deny statements about a key.
func withoutDenies(t *testing.T, d iamtest.Document, key string) iamtest.Document {
	t.Helper()
	return withStatements(d, slices.DeleteFunc(statements(d), func(s map[string]any) bool {
		return s["Effect"] == "Deny" && slices.ContainsFunc(conditions(s), func(c condition) bool { return strings.EqualFold(c.key, key) })
	}))
}

// withoutPins leaves out what the Allows say about a key.
func withoutPins(t *testing.T, d iamtest.Document, key string) iamtest.Document {
	t.Helper()
	all := statements(d)
	for i, s := range all {
		for _, c := range conditions(s) {
			if s["Effect"] == "Allow" && strings.EqualFold(c.key, key) {
				all[i] = c.without(t, all[i])
			}
		}
	}
	return withStatements(d, all)
}

// condition is one operator on one key of a statement.
type condition struct {
	operator, key string
	values        []string
}

func conditions(s map[string]any) (all []condition) {
	block, _ := s["Condition"].(map[string]any)
	for _, operator := range slices.Sorted(maps.Keys(block)) {
		keys := block[operator].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			all = append(all, condition{operator, key, texts(keys[key])})
		}
	}
	return all
}

// without is the statement less the condition.
func (c condition) without(t *testing.T, s map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out := document(t, string(b))
	block := out["Condition"].(map[string]any)
	keys := block[c.operator].(map[string]any)
	if delete(keys, c.key); len(keys) == 0 {
		delete(block, c.operator)
	}
	if len(block) == 0 {
		delete(out, "Condition")
	}
	return out
}

// satisfy sets the key so that the condition holds.
func (c condition) satisfy(t *testing.T, context map[string]authz.Value) {
	t.Helper()
	value := strings.ReplaceAll(c.values[0], "${$}{", "${")
	switch c.operator {
	case "StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike":
		context[c.key] = authz.One(strings.ReplaceAll(value, "*", "any"))
	case "ForAnyValue:StringEquals", "ForAllValues:StringEquals":
		context[c.key] = authz.Many(c.values...)
	case "DateGreaterThan":
		context[c.key] = authz.One("2100-01-01T00:00:00Z")
	case "Null":
		if delete(context, c.key); value == "false" {
			context[c.key] = authz.One("any")
		}
	default:
		t.Fatalf("no request is known that satisfies %s on %s", c.operator, c.key)
	}
}

// violate sets the key so that the condition does not hold, and nothing else changes.
func (c condition) violate(t *testing.T, context map[string]authz.Value) {
	t.Helper()
	switch c.operator {
	case "StringEquals", "ArnEquals":
		context[c.key] = authz.One(c.values[0] + "-other")
	case "ForAnyValue:StringEquals":
		delete(context, c.key)
	case "ForAllValues:StringEquals":
		context[c.key] = authz.Many(append(slices.Clone(c.values), "Other")...)
	case "Null":
		if delete(context, c.key); c.values[0] == "true" {
			context[c.key] = authz.One("any")
		}
	default:
		t.Fatalf("no request is known that violates %s on %s", c.operator, c.key)
	}
}

// texts is one text or a list of them.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, inner := range v {
			all = append(all, inner.(string))
		}
	}
	return all
}
