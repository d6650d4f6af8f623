package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// model is what both forms are written from.
type model struct {
	personas   []document // identity documents; each is a role
	boundary   document
	parameters []policy.BuiltinValue // what the documents leave open, less what AWS knows
	facts      []string              // actions
}

// document is a built-in document, its placeholders still in it. Objects keep
// their order.
type document struct {
	name, about string
	values      []string // names of its placeholders
	statements  yaml.MapSlice
}

func readModel() (model, error) {
	m := model{facts: facts.Actions()}
	seen := map[string]bool{"account": true, "partition": true}
	for _, b := range policy.Builtins() {
		if b.Layer == "mcp" { // nothing of AWS's
			continue
		}
		d := document{name: b.Name, about: b.About}
		text, err := policy.BuiltinText(b.Name, nil)
		if err != nil {
			return model{}, err
		}
		if err := yaml.UnmarshalWithOptions([]byte(text), &d.statements, yaml.UseOrderedMap()); err != nil {
			return model{}, fmt.Errorf("read %s: %w", b.Name, err)
		}
		for _, v := range b.Values {
			d.values = append(d.values, v.Name)
			if !seen[v.Name] {
				m.parameters = append(m.parameters, v)
			}
			seen[v.Name] = true
		}
		switch b.Layer {
		case "identity":
			m.personas = append(m.personas, d)
		case "boundary":
			if m.boundary.name != "" {
				return model{}, fmt.Errorf("two boundaries, %s and %s: a role has one", m.boundary.name, b.Name)
			}
			m.boundary = d
		}
	}
	return m, nil
}

var placeholder = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)

// camel makes a CloudFormation name of a document's or a placeholder's.
func camel(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// object makes an ordered object of names and values in turn.
func object(namesAndValues ...any) yaml.MapSlice {
	var m yaml.MapSlice
	for i := 0; i < len(namesAndValues); i += 2 {
		m = append(m, yaml.MapItem{Key: namesAndValues[i], Value: namesAndValues[i+1]})
	}
	return m
}

// walk returns v with every text replaced.
func walk(v any, replace func(string) any) any {
	switch v := v.(type) {
	case string:
		return replace(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = walk(v[i], replace)
		}
		return out
	case yaml.MapSlice:
		out := make(yaml.MapSlice, len(v))
		for i := range v {
			out[i] = yaml.MapItem{Key: v[i].Key, Value: walk(v[i].Value, replace)}
		}
		return out
	}
	return v
}
