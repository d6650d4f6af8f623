package policy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/misspelled"
)

// Guardrails are a persona's settings of guardrails, by name: "on", "off", or an
// object of settings, which also turns the guardrail on. A guardrail that is not
// named is as its METADATA say (custom.default, "on" if that is missing).
type Guardrails map[string]any

// guardrail is what a module under ecsmcp.guardrails says about itself.
type guardrail struct {
	name     string
	off      bool           // unless a persona turns it on
	settings map[string]any // the value of its rule "default settings"
	// What METADATA of its rules deny say, for reasons that do not say it.
	title, remedy string
}

// guardrailsOf finds the guardrails among modules, by name.
func guardrailsOf(modules map[string]*ast.Module) (map[string]guardrail, error) {
	found := map[string]guardrail{}
	for _, module := range modules {
		name, ok := nameOfGuardrail(module)
		if !ok {
			continue
		}
		g := found[name]
		g.name = name
		for _, rule := range module.Rules {
			if title, remedy := about(module, rule); ruleName(rule) == "deny" {
				g.title, g.remedy = cmp.Or(g.title, title), cmp.Or(g.remedy, remedy)
			}
			if rule.Default && rule.Head.Name.String() == "settings" {
				if err := ast.As(rule.Head.Value.Value, &g.settings); err != nil {
					return nil, fmt.Errorf("%w: %s: default settings must be an object that JSON could hold, without sets and variables: %w", ErrPolicy, place(rule.Location), err)
				}
			}
			for _, about := range rule.Annotations {
				g.off = g.off || about.Custom["default"] == "off"
			}
		}
		found[name] = g
	}
	return found, nil
}

// aboutGuardrails is data.ecsmcp.config.guardrails: title and remedy by name.
func aboutGuardrails(known map[string]guardrail) map[string]any {
	all := map[string]any{}
	for name, g := range known {
		about := map[string]any{}
		for key, text := range map[string]string{"title": g.title, "remedy": g.remedy} {
			if text != "" {
				about[key] = text
			}
		}
		all[name] = about
	}
	return all
}

// apply returns what the persona's configuration says to Rego: the settings of
// each guardrail, whole, and the names of those that are off.
func (g Guardrails) apply(known map[string]guardrail) (settings, off map[string]any, err error) {
	var problems []error
	settings, off = map[string]any{}, map[string]any{}
	for name, rail := range known {
		settings[name] = rail.settings
		if rail.off {
			off[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g)) {
		rail, ok := known[name]
		if !ok {
			problems = append(problems, fmt.Errorf("guardrails.%s: there is no such guardrail; there are %s%s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "), misspelled.Hint(name, maps.Keys(known))))
			continue
		}
		switch value := g[name].(type) {
		case bool: // YAML 1.1 habits: on and off as booleans
			setOff(off, name, !value)
		case string:
			if value != "on" && value != "off" {
				problems = append(problems, fmt.Errorf("guardrails.%s must be on, off or its settings, not %q", name, value))
			}
			setOff(off, name, value == "off")
		case map[string]any:
			merged, err := rail.with(value)
			if err != nil {
				problems = append(problems, err)
			}
			settings[name] = merged
			setOff(off, name, false)
		default:
			problems = append(problems, fmt.Errorf("guardrails.%s must be on, off or its settings", name))
		}
	}
	return settings, off, errors.Join(problems...)
}

func setOff(off map[string]any, name string, value bool) {
	if delete(off, name); value {
		off[name] = true
	}
}

// with returns the settings with some of them replaced, each by a value of the
// type that it has.
func (g guardrail) with(changes map[string]any) (map[string]any, error) {
	merged, problems := maps.Clone(g.settings), []error{}
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		standard, ok := g.settings[key]
		if !ok {
			problems = append(problems, fmt.Errorf("guardrails.%s.%s: there is no such setting; there are %s%s", g.name, key, orNone(slices.Sorted(maps.Keys(g.settings))), misspelled.Hint(key, maps.Keys(g.settings))))
			continue
		}
		value, err := asJSON(changes[key])
		if err != nil || !sameType(standard, value) {
			problems = append(problems, fmt.Errorf("guardrails.%s.%s must be %s", g.name, key, typeName(standard)))
			continue
		}
		merged[key] = value
	}
	return merged, errors.Join(problems...)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// asJSON turns what YAML decoded into what JSON would have.
func asJSON(value any) (v any, err error) {
	b, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(b, &v)
	return v, err
}

// sameType: a list is one of strings, which is all that settings hold.
func sameType(standard, value any) bool {
	if list, ok := standard.([]any); ok {
		values, isList := value.([]any)
		return list != nil && isList && !slices.ContainsFunc(values, func(v any) bool { _, ok := v.(string); return !ok })
	}
	if _, isNumber := standard.(json.Number); isNumber {
		_, ok := value.(float64)
		return ok
	}
	return reflect.TypeOf(standard) == reflect.TypeOf(value)
}

func typeName(standard any) string {
	switch standard.(type) {
	case []any:
		return "a list of strings"
	case bool:
		return "true or false"
	case string:
		return "a string"
	}
	return "a number"
}
