package policy

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// railRules are what the entry point asks guardrails for.
var railRules = []string{"deny", "obligation", "session_deny", "context"}

// rails tells which guardrails may have something to say about a request. It is
// what OPA's rule index is within one package, across packages.
type rails struct {
	rules   [][]rail // of each of railRules
	words   *words
	prepare preparer
	mu      sync.Mutex
	asked   map[uint64]*question // by the bits of a request; there are few kinds of requests
}

type rail struct {
	name     string
	triggers []trigger
}

// trigger is a condition that a rule cannot be true without, on what a request
// does: each of needs, and one of actions. The zero trigger always fires, so what
// cannot be told is asked.
type trigger struct{ needs, actions uint64 }

func (t trigger) fires(bits uint64) bool {
	return bits&t.needs == t.needs && (t.actions == 0 || bits&t.actions != 0)
}

// words are the actions that triggers name, each its own bit, and what actions
// begin with.
type words struct {
	bits     map[string]uint64
	prefixes []string // those of the bits that are
}

const (
	writeBit     = uint64(1) << 63 // the request writes
	elsewhereBit = uint64(1) << 62 // it is not about the proxy's region alone
	maxBits      = 62
	maxAsked     = 1024
)

func (w *words) bitsOf(r authz.Request) (bits uint64) {
	for action := range r.Actions {
		bits |= w.bits[action]
		for _, prefix := range w.prefixes {
			if strings.HasPrefix(action, strings.TrimSuffix(prefix, "*")) {
				bits |= w.bits[prefix]
			}
		}
	}
	if r.Call.Write {
		bits |= writeBit
	}
	if len(r.Regions) != 1 || !r.Regions[r.Region] {
		bits |= elsewhereBit
	}
	return bits
}

// of returns the question to the guardrails that the request concerns, nil if it
// concerns none.
func (r *rails) of(request authz.Request) *question {
	bits := r.words.bitsOf(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	q, known := r.asked[bits]
	if known {
		return q
	}
	names := make([][]string, len(railRules))
	for i := range railRules {
		for _, rail := range r.rules[i] {
			if slices.ContainsFunc(rail.triggers, func(t trigger) bool { return t.fires(bits) }) {
				names[i] = append(names[i], rail.name)
			}
		}
	}
	if slices.ContainsFunc(names, func(of []string) bool { return len(of) > 0 }) {
		q = newQuestion(names, r.prepare)
	}
	if len(r.asked) < maxAsked {
		r.asked[bits] = q
	}
	return q
}

// without are the rails but for those that a persona is spared.
func (r *rails) without(off map[string]any, prepare preparer) *rails {
	on := &rails{rules: make([][]rail, len(railRules)), words: r.words, prepare: prepare, asked: map[uint64]*question{}}
	for i, all := range r.rules {
		for _, rail := range all {
			if _, spared := off[rail.name]; !spared {
				on.rules[i] = append(on.rules[i], rail)
			}
		}
	}
	return on
}

// railsOf finds the triggers of all guardrails' rules.
func railsOf(modules map[string]*ast.Module) *rails {
	r := &rails{rules: make([][]rail, len(railRules)), words: &words{bits: map[string]uint64{}}}
	found := make([]map[string][]trigger, len(railRules))
	for i := range found {
		found[i] = map[string][]trigger{}
	}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		module := modules[path]
		name, ok := nameOfGuardrail(module)
		if !ok {
			continue
		}
		for _, rule := range module.Rules {
			if i := slices.Index(railRules, ruleName(rule)); i >= 0 {
				found[i][name] = append(found[i][name], r.words.triggerOf(rule))
			}
		}
	}
	for i, by := range found {
		for _, name := range slices.Sorted(maps.Keys(by)) {
			r.rules[i] = append(r.rules[i], rail{name, by[name]})
		}
	}
	return r
}

// triggerOf reads the conditions of a rule's body, which all must hold.
func (w *words) triggerOf(rule *ast.Rule) (t trigger) {
	if rule.Default || rule.Else != nil {
		return trigger{}
	}
	oneOf := map[ast.Var][]string{} // what "some x in {…}" lets a variable be
	drawn := map[ast.Var]bool{}     // from the actions, by "some x, _ in input.actions"
	for _, e := range rule.Body {
		if name, words := membership(e); len(words) > 0 {
			oneOf[name] = words
		}
		if name := drawnAction(e); name != "" {
			drawn[name] = true
		}
	}
	for _, e := range rule.Body {
		if isElsewhere(e) {
			t.needs |= elsewhereBit
			continue
		}
		if name, prefix := beginning(e); drawn[name] && t.actions == 0 {
			t.actions = w.bitsFor(prefix + "*")
			continue
		}
		ref := trueRef(e)
		switch {
		case ref == nil:
		case ref.Equal(writeRef):
			t.needs |= writeBit
		case len(ref) == 3 && ref[:2].Equal(actionsRef) && t.actions == 0:
			switch key := ref[2].Value.(type) {
			case ast.String:
				t.actions = w.bitsFor(string(key))
			case ast.Var:
				t.actions = w.bitsFor(oneOf[key]...)
			}
		}
	}
	return t
}

// bitsFor returns the bits of actions, or none if there are not enough: such a
// trigger does not look at actions.
func (w *words) bitsFor(actions ...string) (bits uint64) {
	for _, action := range actions {
		if w.bits[action] == 0 {
			if len(w.bits) == maxBits {
				return 0
			}
			w.bits[action] = 1 << len(w.bits)
			if strings.HasSuffix(action, "*") {
				w.prefixes = append(w.prefixes, action)
			}
		}
		bits |= w.bits[action]
	}
	return bits
}

// isElsewhere: the condition is how a rule says that it is about what leaves the
// proxy's region.
func isElsewhere(e *ast.Expr) bool {
	first := *e
	first.Index = elsewhere.Index
	return first.Equal(elsewhere)
}

var elsewhere = ast.MustParseExpr("input.regions != {input.region: true}")

var writeRef, actionsRef = ast.MustParseRef("input.call.write"), ast.MustParseRef("input.actions")

// trueRef is REF of the condition REF == true, or nil.
func trueRef(e *ast.Expr) ast.Ref {
	if e.Negated || len(e.With) > 0 || !e.IsCall() || !slices.Contains(equalities, e.Operator().String()) || len(e.Operands()) != 2 {
		return nil
	}
	isTrue := func(t *ast.Term) bool { return t.Value.Compare(ast.Boolean(true)) == 0 }
	left, right := e.Operand(0), e.Operand(1)
	if ref, ok := left.Value.(ast.Ref); ok && isTrue(right) {
		return ref
	}
	if ref, ok := right.Value.(ast.Ref); ok && isTrue(left) {
		return ref
	}
	return nil
}

var equalities = []string{ast.Equal.Name, ast.Equality.Name}

// membership is x and the words of the condition "some x in {words}".
func membership(e *ast.Expr) (name ast.Var, words []string) {
	some, ok := e.Terms.(*ast.SomeDecl)
	if !ok || e.Negated || len(e.With) > 0 || len(some.Symbols) != 1 {
		return "", nil
	}
	call, ok := some.Symbols[0].Value.(ast.Call)
	if !ok || len(call) != 3 || call[0].String() != ast.Member.Name {
		return "", nil
	}
	if name, ok = call[1].Value.(ast.Var); !ok {
		return "", nil
	}
	add := func(t *ast.Term) bool {
		s, isString := t.Value.(ast.String)
		words = append(words, string(s))
		return !isString
	}
	switch list := call[2].Value.(type) {
	case ast.Set:
		ok = !list.Until(add)
	case *ast.Array:
		ok = !list.Until(add)
	default:
		ok = false
	}
	if !ok {
		return "", nil
	}
	return name, words
}

// drawnAction is x of the condition "some x, _ in input.actions".
func drawnAction(e *ast.Expr) ast.Var {
	some, ok := e.Terms.(*ast.SomeDecl)
	if !ok || e.Negated || len(e.With) > 0 || len(some.Symbols) != 1 {
		return ""
	}
	call, ok := some.Symbols[0].Value.(ast.Call)
	if !ok || len(call) != 4 || call[0].String() != ast.MemberWithKey.Name || call[3].Value.Compare(actionsRef) != 0 {
		return ""
	}
	name, _ := call[1].Value.(ast.Var)
	return name
}

// beginning is x and the text of the condition startswith(x, text).
func beginning(e *ast.Expr) (ast.Var, string) {
	if e.Negated || len(e.With) > 0 || !e.IsCall() || e.Operator().String() != ast.StartsWith.Name || len(e.Operands()) != 2 {
		return "", ""
	}
	name, _ := e.Operand(0).Value.(ast.Var)
	prefix, ok := e.Operand(1).Value.(ast.String)
	if !ok {
		return "", ""
	}
	return name, string(prefix)
}
