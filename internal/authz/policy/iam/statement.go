package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// statement is one statement, ready to be compared.
type statement struct {
	id         string // DOCUMENT/SID
	order      int    // its place in the layer
	deny       bool
	actions    []actionPattern
	notAction  bool
	resources  []text
	notRes     bool
	conditions []condition
}

// actionPattern is folded; without a service it is every action.
type actionPattern struct{ service, name string }

// newStatement reads one statement of a document that was read strictly. What it
// cannot read is an error, so that nothing is left out in silence.
func newStatement(document string, index int, version string, elements map[string]any) (*statement, error) {
	s := &statement{id: fmt.Sprintf("%s/#%d", document, index), deny: elements["Effect"] != "Allow"}
	if sid, ok := elements["Sid"].(string); ok {
		s.id = document + "/" + sid
	}
	actions, ok := elements["Action"]
	if !ok {
		actions, s.notAction = elements["NotAction"], true
	}
	resources, ok := elements["Resource"]
	if !ok {
		resources, s.notRes = elements["NotResource"], true
	}
	for _, value := range list(actions) {
		action, err := newAction(value)
		if err != nil {
			return nil, err
		}
		s.actions = append(s.actions, action)
	}
	for _, value := range list(resources) {
		source, ok := value.(string)
		if !ok {
			return nil, errors.New("a resource is no string")
		}
		s.resources = append(s.resources, newText(source, version))
	}
	if len(s.actions) == 0 || len(s.resources) == 0 {
		return nil, errors.New("a statement without actions or without resources")
	}
	var err error
	s.conditions, err = newConditions(elements["Condition"], version)
	return s, err
}

func newAction(value any) (actionPattern, error) {
	source, ok := value.(string)
	if !ok {
		return actionPattern{}, errors.New("an action is no string")
	}
	if source == "*" {
		return actionPattern{}, nil
	}
	service, name, ok := strings.Cut(strings.ToLower(source), ":")
	if !ok || service == "" {
		return actionPattern{}, fmt.Errorf("%q is no action", source)
	}
	return actionPattern{service, name}, nil
}

func newConditions(value any, version string) (conditions []condition, err error) {
	if value == nil {
		return nil, nil
	}
	blocks, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("a Condition is no object")
	}
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		keys, ok := blocks[name].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is no object", name)
		}
		c := condition{name: name, null: strings.EqualFold(name, "Null")}
		if !c.null {
			if c.operator, err = parseOperator(name); err != nil {
				return nil, err
			}
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			c.key, c.folded, c.values, c.plain = key, strings.ToLower(key), nil, nil
			plain := true
			for _, v := range list(keys[key]) {
				source, err := asText(v)
				if err != nil {
					return nil, err
				}
				_, isString := v.(string)
				value := text{source: source}
				if isString {
					value = newText(source, version)
				}
				plain = plain && !value.variables
				c.values = append(c.values, value)
				c.plain = append(c.plain, source)
			}
			if !plain {
				c.plain = nil
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}

// asText: unquoted booleans and numbers stand for their text.
func asText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool, json.Number, float64:
		b, err := json.Marshal(v)
		return string(b), err
	}
	return "", fmt.Errorf("a condition's value is of type %T", value)
}

func list(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{value}
}

// namesAction: Action names it, or NotAction does not. Names compare without
// case; the service has no wildcards.
func (s *statement) namesAction(service, name string) bool {
	for _, a := range s.actions {
		if a.service == "" || a.service == service && globMatches(a.name, name) {
			return !s.notAction
		}
	}
	return s.notAction
}

// namesResource: the statement may name the resource; with the unknown keys on
// which that depends.
func (s *statement) namesResource(env *environment) (ok bool, unknown []string) {
	if s.notRes {
		for _, resource := range s.resources {
			e := resource.expand(env)
			unknown = append(unknown, e.unknown...)
			// The question is turned round: a Deny spares a resource only if the
			// whole of it is named, an Allow as soon as part of it may be.
			if e.settled() && meetsResource(!s.deny, e.text, env) {
				return false, nil
			}
			unknown = appendUnsettled(unknown, e, env)
		}
		return true, unknown
	}
	for _, resource := range s.resources {
		e := resource.expand(env)
		if e.settled() && meetsResource(s.deny, e.text, env) {
			return true, nil
		}
		unknown = appendUnsettled(append(unknown, e.unknown...), e, env)
	}
	return len(unknown) > 0, unknown
}

// appendUnsettled: a pattern that names part of what the resource may turn out to
// be names it or not, which those keys would tell.
func appendUnsettled(unknown []string, e expansion, env *environment) []string {
	if len(env.unsettled) > 0 && e.settled() && arnOverlaps(e.text, env.resource) {
		return append(unknown, env.unsettled...)
	}
	return unknown
}

// meetsResource: a wide resource must be covered by an Allow, and is met by a
// Deny if the two overlap at all. One that only stands for what it will be must
// be covered by both: else it is in doubt.
func meetsResource(overlap bool, pattern string, env *environment) bool {
	switch {
	case !env.wide:
		return arnMatches(pattern, env.resource)
	case overlap && len(env.unsettled) == 0:
		return arnOverlaps(pattern, env.resource)
	}
	return arnCovers(pattern, env.resource)
}
