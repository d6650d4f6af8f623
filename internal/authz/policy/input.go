package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// inputOf is the input document that r is as JSON, made without writing JSON and
// reading it again, which would cost more than the decision. A test holds it to
// the JSON, member by member.
func inputOf(r authz.Request) (ast.Value, error) {
	call, err := callTerm(r.Call)
	if err != nil {
		return nil, err
	}
	accesses := make([]*ast.Term, len(r.Accesses))
	for i := range r.Accesses {
		if accesses[i], err = accessTerm(&r.Accesses[i]); err != nil {
			return nil, fmt.Errorf("access %d: %w", i, err)
		}
	}
	principal := fields{{term("id"), ast.StringTerm(r.Principal.ID)}, {term("kind"), ast.StringTerm(r.Principal.Kind)}}
	if len(r.Principal.Tags) > 0 {
		var tags fields
		for key, value := range r.Principal.Tags {
			tags.add(ast.StringTerm(key), ast.StringTerm(value))
		}
		principal.add(term("tags"), ast.ObjectTerm(tags...))
	}
	return ast.NewObject(
		ast.Item(term("principal"), ast.ObjectTerm(principal...)),
		ast.Item(term("persona"), ast.StringTerm(r.Persona)),
		ast.Item(term("region"), ast.StringTerm(r.Region)),
		ast.Item(term("account"), ast.StringTerm(r.Account)),
		ast.Item(term("call"), call),
		ast.Item(term("accesses"), ast.ArrayTerm(accesses...)),
		ast.Item(term("actions"), trueOf(r.Actions)),
		ast.Item(term("regions"), trueOf(r.Regions)),
	), nil
}

func callTerm(c authz.Call) (*ast.Term, error) {
	m := fields{
		{term("method"), ast.StringTerm(c.Method)}, {term("server"), ast.StringTerm(c.Server)},
		{term("write"), ast.InternedTerm(c.Write)}, {term("sensitive"), ast.InternedTerm(c.Sensitive)},
	}
	m.addText("tool", c.Tool)
	m.addText("operation", c.Operation)
	m.addTrue("escapes_scope", c.EscapesScope)
	m.addTrue("leaves_credentials", c.LeavesCredentials)
	if len(c.Arguments) > 0 {
		if err := checkArguments(c); err != nil {
			return nil, err
		}
		arguments, err := ast.ValueFromReader(bytes.NewReader(c.Arguments))
		if err != nil {
			return nil, fmt.Errorf("arguments: %w", err)
		}
		m.add(term("arguments"), ast.NewTerm(arguments))
	}
	return ast.ObjectTerm(m...), nil
}

// checkArguments: as encoding/json takes a RawMessage, one valid value or an error.
func checkArguments(c authz.Call) error {
	// What is strictly valid is valid, and told faster.
	if len(c.Arguments) > 0 && !jsontext.Value(c.Arguments).IsValid() && !json.Valid(c.Arguments) {
		return errors.New("arguments are not JSON")
	}
	return nil
}

func accessTerm(a *authz.Access) (*ast.Term, error) {
	context := ast.InternedNullTerm
	if a.Context != nil {
		keys := make(fields, 0, len(a.Context))
		for key, value := range a.Context {
			switch {
			case value.Multi:
				keys.add(ast.StringTerm(key), textsTerm(value.Values))
			case len(value.Values) == 1:
				keys.add(ast.StringTerm(key), ast.StringTerm(value.Values[0]))
			default:
				return nil, fmt.Errorf("the single-valued key %s has %d values", key, len(value.Values))
			}
		}
		context = ast.ObjectTerm(keys...)
	}
	m := make(fields, 0, 6)
	m.add(term("action"), ast.StringTerm(a.Action))
	m.add(term("resource"), ast.StringTerm(a.Resource))
	m.add(term("context"), context)
	if len(a.Unknown) > 0 {
		m.add(term("unknown"), textsTerm(a.Unknown))
	}
	m.addText("subject", a.Subject)
	m.addTrue("optional", a.Optional)
	m.addTrue("unscopable", a.Unscopable)
	m.addTrue("taggable", a.Taggable)
	m.addTrue("global", a.Global)
	m.addTrue("creates", a.Creates)
	m.addTrue("unverified", a.Unverified)
	return ast.ObjectTerm(m...), nil
}

// fields are the members of an object; what "omitempty" leaves out is not added.
type fields [][2]*ast.Term

func (m *fields) add(key, value *ast.Term) { *m = append(*m, [2]*ast.Term{key, value}) }

func (m *fields) addText(name, value string) {
	if value != "" {
		m.add(term(name), ast.StringTerm(value))
	}
}

func (m *fields) addTrue(name string, value bool) {
	if value {
		m.add(term(name), ast.InternedTerm(true))
	}
}

func trueOf(names map[string]bool) *ast.Term {
	m := make(fields, 0, len(names))
	for name, value := range names {
		m.add(ast.StringTerm(name), ast.InternedTerm(value))
	}
	return ast.ObjectTerm(m...)
}
