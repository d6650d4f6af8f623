package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
)

// readAccesses reads as much of the accesses as IAM looks at.
func readAccesses(term *ast.Term) ([]authz.Access, error) {
	list, ok := term.Value.(*ast.Array)
	if !ok {
		return nil, errors.New("accesses are no list")
	}
	accesses := make([]authz.Access, list.Len())
	for i := range accesses {
		object, ok := list.Elem(i).Value.(ast.Object)
		if !ok {
			return nil, fmt.Errorf("access %d is no object", i)
		}
		if err := readAccess(object, &accesses[i]); err != nil {
			return nil, fmt.Errorf("access %d: %w", i, err)
		}
	}
	return accesses, nil
}

func readAccess(object ast.Object, a *authz.Access) error {
	return object.Iter(func(key, value *ast.Term) error {
		name, _ := key.Value.(ast.String)
		ok := true
		switch name {
		case "action":
			a.Action, ok = text(value)
		case "resource":
			a.Resource, ok = text(value)
		case "unscopable":
			a.Unscopable, ok = boolean(value)
		case "optional":
			a.Optional, ok = boolean(value)
		case "unknown":
			a.Unknown, ok = texts(value)
		case "context":
			a.Context, ok = readContext(value)
		}
		if !ok {
			return fmt.Errorf("%s has a value of another type", name)
		}
		return nil
	})
}

func readContext(term *ast.Term) (map[string]authz.Value, bool) {
	if _, isNull := term.Value.(ast.Null); isNull {
		return nil, true
	}
	object, ok := term.Value.(ast.Object)
	if !ok {
		return nil, false
	}
	context := make(map[string]authz.Value, object.Len())
	return context, object.Iter(func(key, value *ast.Term) error {
		name, ok := text(key)
		if !ok {
			return errOtherType
		}
		if one, ok := text(value); ok {
			context[name] = authz.One(one)
			return nil
		}
		many, ok := texts(value)
		if !ok {
			return errOtherType
		}
		context[name] = authz.Value{Multi: true, Values: many}
		return nil
	}) == nil
}

var errOtherType = errors.New("a value of another type")

func text(term *ast.Term) (string, bool) {
	s, ok := term.Value.(ast.String)
	return string(s), ok
}

func boolean(term *ast.Term) (bool, bool) {
	b, ok := term.Value.(ast.Boolean)
	return bool(b), ok
}

func texts(term *ast.Term) ([]string, bool) {
	list, ok := term.Value.(*ast.Array)
	if !ok {
		return nil, false
	}
	all := make([]string, list.Len())
	for i := range all {
		if all[i], ok = text(list.Elem(i)); !ok {
			return nil, false
		}
	}
	return all, true
}

// answerTerm shares the terms of equal results: those of a list mostly are.
func answerTerm(answer iam.Answer) *ast.Term {
	results := make([]*ast.Term, len(answer.Accesses))
	for i := range answer.Accesses {
		if i > 0 && equalResults(&answer.Accesses[i], &answer.Accesses[i-1]) {
			results[i] = results[i-1]
		} else {
			results[i] = resultTerm(&answer.Accesses[i])
		}
	}
	return ast.ObjectTerm(ast.Item(term("allow"), ast.InternedTerm(answer.Allow)), ast.Item(term("accesses"), ast.ArrayTerm(results...)))
}

func equalResults(a, b *authz.AccessResult) bool {
	return a.Verdict == b.Verdict && a.Layer == b.Layer && a.Possible == b.Possible && slices.Equal(a.Statements, b.Statements) &&
		slices.Equal(a.Unknown, b.Unknown) && slices.Equal(a.Needs, b.Needs) && slices.Equal(a.Near, b.Near)
}

func resultTerm(r *authz.AccessResult) *ast.Term {
	near := ast.InternedEmptyArray
	if len(r.Near) > 0 {
		misses := make([]*ast.Term, len(r.Near))
		for i, n := range r.Near {
			misses[i] = ast.ObjectTerm(ast.Item(term("statement"), ast.StringTerm(n.Statement)),
				ast.Item(term("key"), ast.StringTerm(n.Key)), ast.Item(term("operator"), ast.StringTerm(n.Operator)))
		}
		near = ast.ArrayTerm(misses...)
	}
	return ast.ObjectTerm(
		ast.Item(term("decision"), ast.InternedTerm(r.Verdict.String())), ast.Item(term("layer"), ast.InternedTerm(r.Layer)),
		ast.Item(term("statements"), textsTerm(r.Statements)), ast.Item(term("unknown"), textsTerm(r.Unknown)),
		ast.Item(term("possible"), ast.InternedTerm(r.Possible)), ast.Item(term("needs"), textsTerm(r.Needs)), ast.Item(term("near"), near))
}

func textsTerm(all []string) *ast.Term {
	if len(all) == 0 {
		return ast.InternedEmptyArray
	}
	terms := make([]*ast.Term, len(all))
	for i, s := range all {
		terms[i] = ast.StringTerm(s)
	}
	return ast.ArrayTerm(terms...)
}

// term is the name of a member, made once.
func term(name string) *ast.Term {
	if t := memberNames[name]; t != nil {
		return t
	}
	return ast.StringTerm(name)
}

var memberNames = func() map[string]*ast.Term {
	all := map[string]*ast.Term{}
	for _, name := range []string{
		"principal", "id", "kind", "tags", "persona", "region", "account", "call", "accesses", "actions", "regions",
		"method", "server", "tool", "operation", "write", "sensitive", "escapes_scope", "leaves_credentials", "arguments",
		"action", "resource", "context", "unknown", "subject", "optional", "unscopable", "taggable", "global", "creates", "unverified",
		"allow", "decision", "layer", "statements", "possible", "needs", "near", "statement", "key", "operator",
		"deny", "obligation", "session_deny", "members", "documents", "name", "path", "value",
	} {
		all[name] = ast.StringTerm(name)
	}
	return all
}()
