package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// cedarSet is the seed in Cedar: the layers as two sets, since Cedar has no
// boundary. It says allow and deny alone: neither near misses nor unknown keys.
type cedarSet struct{ layers []*cedar.PolicySet }

func newCedar(p policy.Persona) (*cedarSet, error) {
	s := &cedarSet{}
	for _, documents := range [][]policy.Document{p.Identity, p.Boundary} {
		var text strings.Builder
		for _, d := range documents {
			if err := writeCedar(&text, d); err != nil {
				return nil, fmt.Errorf("write %s in Cedar: %w", d.Name, err)
			}
		}
		set, err := cedar.NewPolicySetFromBytes("seed.cedar", []byte(text.String()))
		if err != nil {
			return nil, fmt.Errorf("read Cedar: %w", err)
		}
		s.layers = append(s.layers, set)
	}
	return s, nil
}

func (s *cedarSet) allows(a authz.Access) bool {
	record := cedar.RecordMap{"action": cedar.String(strings.ToLower(a.Action)), "resource": cedar.String(a.Resource)}
	for key, value := range a.Context {
		if !value.Multi {
			record[cedar.String(strings.ToLower(key))] = cedar.String(value.Values[0])
		}
	}
	request := cedar.Request{
		Principal: cedar.NewEntityUID("User", "alice"), Action: cedar.NewEntityUID("Action", "call"),
		Resource: cedar.NewEntityUID("Resource", "any"), Context: cedar.NewRecord(record),
	}
	for _, layer := range s.layers {
		if decision, _ := cedar.Authorize(layer, nil, request); decision != cedar.Allow {
			return false
		}
	}
	return true
}

func (s *cedarSet) decide(r authz.Request) bool {
	for _, a := range r.Accesses {
		if !s.allows(a) && !a.Optional {
			return false
		}
	}
	return true
}

type iamStatement struct {
	Effect                                   string
	Action, NotAction, Resource, NotResource words
	Condition                                map[string]map[string]words
}

// words is one or many.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

func writeCedar(text *strings.Builder, d policy.Document) error {
	var document struct{ Statement []iamStatement }
	if err := json.Unmarshal(d.JSON, &document); err != nil {
		return err
	}
	for _, s := range document.Statement {
		if len(s.NotResource) > 0 {
			return fmt.Errorf("NotResource is not translated")
		}
		conditions := []string{like("context.action", lowered(s.Action))}
		if len(s.NotAction) > 0 {
			conditions[0] = "!" + like("context.action", lowered(s.NotAction))
		}
		conditions = append(conditions, like("context.resource", s.Resource))
		for operator, keys := range s.Condition {
			for key, values := range keys {
				c, err := condition(operator, fmt.Sprintf("context[%q]", strings.ToLower(key)), fmt.Sprintf("context has %q", strings.ToLower(key)), values)
				if err != nil {
					return err
				}
				conditions = append(conditions, c)
			}
		}
		effect := map[string]string{"Allow": "permit", "Deny": "forbid"}[s.Effect]
		fmt.Fprintf(text, "%s (principal, action, resource) when { %s };\n", effect, strings.Join(conditions, " && "))
	}
	return nil
}

func condition(operator, value, has string, values words) (string, error) {
	switch operator {
	case "StringEquals", "ArnEquals":
		return "(" + has + " && " + like(value, values) + ")", nil
	case "StringNotEquals":
		return "(!(" + has + ") || !" + like(value, values) + ")", nil
	case "StringEqualsIgnoreCase": // the values that the documents spell out
		return "(" + has + " && " + like(value, append(lowered(values), values...)) + ")", nil
	}
	return "", fmt.Errorf("%s is not translated", operator)
}

func like(value string, patterns words) string {
	var any []string
	for _, p := range patterns {
		any = append(any, fmt.Sprintf("%s like %q", value, p))
	}
	return "(" + strings.Join(any, " || ") + ")"
}

func lowered(all words) (lower words) {
	for _, s := range all {
		lower = append(lower, strings.ToLower(s))
	}
	return lower
}
