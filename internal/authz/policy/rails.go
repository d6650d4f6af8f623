package policy

import (
	"maps"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// railRules are what the entry point asks guardrails for.
var railRules = []string{"deny", "obligation", "session_deny", "context"}

// rails tells which guardrails may have something to say about a request. It is
// what OPA's rule index is within one package, across packages.
type rails struct {
	rules [][]rail          // of each of railRules
	bits  map[string]uint64 // of the actions that triggers name, each its own
	mu    sync.Mutex
	asked map[uint64]*ast.Term // by the bits of a request; there are few kinds of requests
}

type rail struct {
	name     *ast.Term
	triggers []trigger
}

// trigger is a condition that a rule cannot be true without: one on
// input.call.write, one on input.actions, or none. The zero trigger always fires,
// so what cannot be told is asked.
type trigger struct {
	write   bool
	actions uint64 // at least one of them
}

const (
	writeBit  = uint64(1) << 63 // the request writes
	maxBits   = 63
	maxAsked  = 1024
	everyBits = ^uint64(0)
)

func (t trigger) fires(bits uint64) bool {
	return (!t.write || bits&writeBit != 0) && (t.actions == 0 || bits&t.actions != 0)
}

// bitsOf reads the input. What is not as it should be counts as yes.
func (r *rails) bitsOf(input *ast.Term) (bits uint64) {
	request, ok := input.Value.(ast.Object)
	if !ok {
		return everyBits
	}
	actions, call := request.Get(term("actions")), request.Get(term("call"))
	if actions == nil || call == nil {
		return everyBits
	}
	named, isObject := actions.Value.(ast.Object)
	called, isCall := call.Value.(ast.Object)
	if !isObject || !isCall {
		return everyBits
	}
	named.Foreach(func(action, _ *ast.Term) {
		if name, ok := action.Value.(ast.String); ok {
			bits |= r.bits[string(name)]
		}
	})
	if write := called.Get(term("write")); write == nil || write.Value.Compare(ast.Boolean(false)) != 0 {
		bits |= writeBit
	}
	return bits
}

// of returns, by rule, the names of the guardrails that the input concerns.
func (r *rails) of(input *ast.Term) *ast.Term {
	bits := r.bitsOf(input)
	r.mu.Lock()
	defer r.mu.Unlock()
	if names := r.asked[bits]; names != nil {
		return names
	}
	items := make([][2]*ast.Term, len(railRules))
	for i, rule := range railRules {
		var names []*ast.Term
		for _, rail := range r.rules[i] {
			if slices.ContainsFunc(rail.triggers, func(t trigger) bool { return t.fires(bits) }) {
				names = append(names, rail.name)
			}
		}
		items[i] = ast.Item(term(rule), ast.SetTerm(names...))
	}
	names := ast.ObjectTerm(items...)
	if len(r.asked) < maxAsked {
		r.asked[bits] = names
	}
	return names
}

// railsOf finds the triggers of all guardrails' rules.
func railsOf(modules map[string]*ast.Module) *rails {
	r := &rails{rules: make([][]rail, len(railRules)), bits: map[string]uint64{}, asked: map[uint64]*ast.Term{}}
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
				found[i][name] = append(found[i][name], r.triggerOf(rule))
			}
		}
	}
	for i, by := range found {
		for _, name := range slices.Sorted(maps.Keys(by)) {
			r.rules[i] = append(r.rules[i], rail{ast.StringTerm(name), by[name]})
		}
	}
	return r
}

// triggerOf reads the conditions of a rule's body, which all must hold.
func (r *rails) triggerOf(rule *ast.Rule) (t trigger) {
	if rule.Default || rule.Else != nil {
		return trigger{}
	}
	oneOf := map[ast.Var][]string{} // what "some x in {…}" lets a variable be
	for _, e := range rule.Body {
		if name, words := membership(e); len(words) > 0 {
			oneOf[name] = words
		}
	}
	for _, e := range rule.Body {
		ref := trueRef(e)
		switch {
		case ref == nil:
		case ref.Equal(writeRef):
			t.write = true
		case len(ref) == 3 && ref[:2].Equal(actionsRef) && t.actions == 0:
			switch key := ref[2].Value.(type) {
			case ast.String:
				t.actions = r.bitsFor(string(key))
			case ast.Var:
				t.actions = r.bitsFor(oneOf[key]...)
			}
		}
	}
	return t
}

// bitsFor returns the bits of actions, or none if there are not enough: such a
// trigger does not look at actions.
func (r *rails) bitsFor(actions ...string) (bits uint64) {
	for _, action := range actions {
		if r.bits[action] == 0 {
			if len(r.bits) == maxBits {
				return 0
			}
			r.bits[action] = 1 << len(r.bits)
		}
		bits |= r.bits[action]
	}
	return bits
}

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
