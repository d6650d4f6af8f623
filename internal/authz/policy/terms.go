package policy

import "github.com/open-policy-agent/opa/v1/ast"

func text(term *ast.Term) (string, bool) {
	s, ok := term.Value.(ast.String)
	return string(s), ok
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
		"deny", "obligation", "session_deny", "members", "documents", "name", "path", "value",
	} {
		all[name] = ast.StringTerm(name)
	}
	return all
}()
