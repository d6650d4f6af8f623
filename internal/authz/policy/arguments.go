package policy

import (
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// readArguments is the native twin of read(given) in rego/lib/arguments, which
// explains what it finds.
func readArguments(given *ast.Term) *ast.Term {
	w := argumentWalk{members: map[string][]*ast.Term{}}
	w.visit(given, 0)
	members := make(fields, 0, len(w.members))
	for name, found := range w.members {
		members.add(ast.StringTerm(name), ast.ArrayTerm(found...))
	}
	return ast.ObjectTerm(ast.Item(term("members"), ast.ObjectTerm(members...)), ast.Item(term("documents"), ast.ArrayTerm(w.documents...)))
}

// argumentWalk visits every value before those below it, in Rego's order.
type argumentWalk struct {
	path      []*ast.Term
	folded    []string // of path; "" for an index
	members   map[string][]*ast.Term
	documents []*ast.Term
}

// visit: names is how many of the path's parts are names.
func (w *argumentWalk) visit(value *ast.Term, names int) {
	if n := len(w.path); n > 0 {
		_, isName := w.path[n-1].Value.(ast.String)
		_, isNull := value.Value.(ast.Null)
		if isName && !isNull && !w.inFreeMap() {
			name := w.folded[n-1]
			w.members[name] = append(w.members[name], ast.ObjectTerm(
				ast.Item(term("name"), ast.StringTerm(name)), ast.Item(term("path"), w.place()), ast.Item(term("value"), value)))
		}
	}
	switch v := value.Value.(type) {
	case ast.String:
		if names <= 2 && document.MatchString(string(v)) {
			w.documents = append(w.documents, w.place())
		}
	case *ast.Array:
		for i := range v.Len() {
			w.below(ast.InternedTerm(i), "", v.Elem(i), names)
		}
	case ast.Object:
		v.Foreach(func(key, value *ast.Term) {
			name, _ := key.Value.(ast.String)
			w.below(key, fold(string(name)), value, names+1)
		})
	}
}

func (w *argumentWalk) below(part *ast.Term, folded string, value *ast.Term, names int) {
	w.path, w.folded = append(w.path, part), append(w.folded, folded)
	w.visit(value, names)
	w.path, w.folded = w.path[:len(w.path)-1], w.folded[:len(w.folded)-1]
}

func (w *argumentWalk) place() *ast.Term { return ast.ArrayTerm(slices.Clone(w.path)...) }

// document is what begins like one, or has lines.
var document = regexp.MustCompile(`^\s*[\[{]|\n`)

// The maps whose keys the caller makes up, by one folded name or by two.
var (
	freeMaps      = []string{"dockerlabels", "driveropts", "environment", "environmentvariables", "env"}
	freeMapsBelow = [][2]string{{"logconfiguration", "options"}, {"firelensconfiguration", "options"}, {"dockervolumeconfiguration", "labels"}}
)

func (w *argumentWalk) inFreeMap() bool {
	for i, name := range w.folded[:len(w.folded)-1] {
		if slices.Contains(freeMaps, name) || i > 0 && slices.Contains(freeMapsBelow, [2]string{w.folded[i-1], name}) {
			return true
		}
	}
	return false
}

var withoutSeparators = strings.NewReplacer("_", "", "-", "")

// fold is how names of arguments compare: without case, "_" and "-".
func fold(name string) string { return withoutSeparators.Replace(strings.ToLower(name)) }
