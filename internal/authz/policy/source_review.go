package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

var guardrailName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

var builtinGuardrails = sync.OnceValues(func() (map[string]guardrail, error) {
	modules, err := loadModules()
	if err != nil {
		return nil, err
	}
	return guardrailsOf(modules)
})

// review holds a source to what own Rego may do. A package under ecsmcp is one
// guardrail with a new name, everything else in ecsmcp is the proxy's own: so
// nothing here can define or change what allows.
func (s Source) review() (warnings []string, problems []error) {
	known, err := builtinGuardrails()
	if err != nil {
		return nil, []error{err}
	}
	if _, ok := s.data["ecsmcp"]; ok {
		problems = append(problems, errors.New("data.ecsmcp is the proxy's own; put data under another key, such as the name of your team"))
	}
	for _, path := range slices.Sorted(maps.Keys(s.modules)) {
		for _, i := range s.modules[path].Imports {
			if slices.Contains(behindSigns, string(i.Name())) {
				problems = append(problems, fmt.Errorf("%s: an import called %s would change what == and \"in\" mean in this file; import it under another name, with as", place(i.Location), i.Name()))
			}
		}
	}
	asked := map[string]bool{} // packages of guardrails: has a rule that the decision reads
	where := map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(s.modules)) {
		module := s.modules[path]
		problems = append(problems, callsNative(module)...)
		name, isGuardrail, err := guardrailOf(module, known)
		switch {
		case err != nil:
			problems = append(problems, err)
		case isGuardrail:
			found, errs := checkGuardrail(module)
			problems = append(problems, errs...)
			asked[name] = asked[name] || found
			where[name] = module.Package.Location.File
			warnings = append(warnings, unexplained(name, module)...)
		default:
			warnings = append(warnings, unasked(module)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if !asked[name] {
			problems = append(problems, fmt.Errorf("%s: guardrail %s has no rule deny, obligation, session_deny or context, so it would do nothing; is a name misspelled?", where[name], name))
		}
	}
	return warnings, problems
}

// guardrailOf says whether a module is a guardrail, and refuses one that stands
// where only the proxy's own modules may.
func guardrailOf(module *ast.Module, known map[string]guardrail) (name string, ok bool, err error) {
	path, at := packagePath(module), place(module.Package.Location)
	if path[0] != "ecsmcp" {
		return "", false, nil
	}
	if len(path) < 3 || path[1] != "guardrails" {
		return "", false, fmt.Errorf("%s: package %s is the proxy's own; write package ecsmcp.guardrails.NAME to deny, or a package outside ecsmcp for what others import", at, strings.Join(path, "."))
	}
	name = path[2]
	switch _, builtin := known[name]; {
	case builtin:
		return "", false, fmt.Errorf("%s: %s is a built-in guardrail; give yours another name (settings of the built-in one belong under personas.NAME.guardrails)", at, name)
	case len(path) > 3:
		return "", false, fmt.Errorf("%s: nobody would ask package %s; a guardrail is ecsmcp.guardrails.NAME, and what others import is outside ecsmcp", at, strings.Join(path, "."))
	case !guardrailName.MatchString(name):
		return "", false, fmt.Errorf("%s: a guardrail's name has letters, digits, dashes and underscores, and begins with a letter; not %q", at, name)
	}
	return name, true, nil
}

// nameOfGuardrail is the name of the guardrail that a module is one of, if it is one.
func nameOfGuardrail(module *ast.Module) (name string, ok bool) {
	path := packagePath(module)
	if len(path) != 3 || path[0] != "ecsmcp" || path[1] != "guardrails" {
		return "", false
	}
	return path[2], true
}

// callsNative refuses what only the proxy has: stock opa could not test it.
func callsNative(module *ast.Module) (problems []error) {
	ast.WalkRefs(module, func(ref ast.Ref) bool {
		if strings.HasPrefix(ref.String(), nativePrefix) {
			problems = append(problems, fmt.Errorf("%s: %s is the proxy's own and unknown to opa; call data.ecsmcp.iam.evaluate, which says the same", place(ref[0].Location), ref))
		}
		return false
	})
	return problems
}

// packagePath is a module's package without the leading data.
func packagePath(module *ast.Module) (path []string) {
	for _, term := range module.Package.Path[1:] {
		s, _ := term.Value.(ast.String)
		path = append(path, string(s))
	}
	return path
}

// checkGuardrail refuses the ways to write a rule under which the decision
// would find nothing in it: deny = true, a function, an object.
func checkGuardrail(module *ast.Module) (asked bool, problems []error) {
	for _, rule := range module.Rules {
		name := ruleName(rule)
		if slices.Contains(behindSigns, name) {
			problems = append(problems, fmt.Errorf("%s: a rule %s would change what == and \"in\" mean in this package; give it another name", place(rule.Location), name))
		}
		if !slices.Contains(railRules, name) {
			continue
		}
		asked = true
		mustBeSet := name != "context" // the decision reads the elements of the others
		switch {
		case len(rule.Head.Args) > 0:
			problems = append(problems, fmt.Errorf("%s: %s takes no arguments: nobody would call it", place(rule.Location), name))
		case mustBeSet && (rule.Default || rule.Head.RuleKind() != ast.MultiValue || len(rule.Head.Ref()) != 1):
			problems = append(problems, fmt.Errorf("%s: %s must be a set; write %s contains reason if { … }", place(rule.Location), name, name))
		}
	}
	return asked, problems
}

// behindSigns are what Rego calls the functions behind ==, = and in.
var behindSigns = []string{ast.Equal.Name, ast.Equality.Name, "internal"}

// ruleName is the first part of the rule's name.
func ruleName(rule *ast.Rule) string {
	v, _ := rule.Head.Ref()[0].Value.(ast.Var)
	return string(v)
}

// unexplained warns of rules deny whose METADATA leave out what a refusal says.
func unexplained(name string, module *ast.Module) (warnings []string) {
	for _, rule := range module.Rules {
		if ruleName(rule) != "deny" {
			continue
		}
		if title, remedy := about(module, rule); title == "" || remedy == "" {
			warnings = append(warnings, fmt.Sprintf("%s: guardrail %s: give deny METADATA with a title and custom.remedy, so that a refusal says what to do", place(rule.Location), name))
		}
	}
	return warnings
}

// about is what METADATA say of a rule: its own, or those of the document or the package.
func about(module *ast.Module, rule *ast.Rule) (title, remedy string) {
	take := func(a *ast.Annotations) {
		if title == "" {
			title = a.Title
		}
		if s, ok := a.Custom["remedy"].(string); ok && remedy == "" {
			remedy = s
		}
	}
	for _, a := range rule.Annotations {
		take(a)
	}
	for _, a := range module.Annotations {
		if a.Scope == "package" || a.Scope == "document" && a.GetTargetPath().String() == rule.Ref().GroundPrefix().String() {
			take(a)
		}
	}
	return title, remedy
}

// unasked warns of rules that look like a guardrail's in a package that is none.
func unasked(module *ast.Module) []string {
	for _, rule := range module.Rules {
		if name := ruleName(rule); name == "deny" && len(rule.Head.Args) == 0 {
			return []string{fmt.Sprintf("%s: package %s is no guardrail, so nobody asks its rule deny; if it is meant to be one, write package ecsmcp.guardrails.NAME",
				place(rule.Location), strings.Join(packagePath(module), "."))}
		}
	}
	return nil
}

func place(l *ast.Location) string { return fmt.Sprintf("%s:%d", l.File, l.Row) }
