package policy

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// GuardrailState is a guardrail as a persona has it.
type GuardrailState struct {
	Name, Title, Description string
	Off                      bool
	Settings                 map[string]any
}

// States returns every guardrail there is, built in or of sources, by name, as g
// sets it.
func (g Guardrails) States(sources ...Source) (map[string]GuardrailState, error) {
	modules, err := loadModules()
	if err != nil {
		return nil, err
	}
	if _, err := joinSources(modules, sources); err != nil {
		return nil, err
	}
	known, err := guardrailsOf(modules)
	if err != nil {
		return nil, err
	}
	settings, off, err := g.apply(known)
	if err != nil {
		return nil, err
	}
	states := map[string]GuardrailState{}
	for name, rail := range known {
		s := GuardrailState{Name: name, Off: off[name] == true}
		s.Title, s.Description = described(modules, name)
		s.Title = cmp.Or(rail.title, s.Title)
		s.Settings, _ = settings[name].(map[string]any)
		states[name] = s
	}
	return states, nil
}

// described is what METADATA of a guardrail's rules say about it, the first that
// describes anything.
func described(modules map[string]*ast.Module, name string) (title, description string) {
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		module := modules[path]
		if of, _ := nameOfGuardrail(module); of != name {
			continue
		}
		for _, rule := range module.Rules {
			for _, about := range rule.Annotations {
				if about.Description != "" {
					return about.Title, strings.Join(strings.Fields(about.Description), " ")
				}
			}
		}
	}
	return "", ""
}
