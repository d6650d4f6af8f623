package policy

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
)

// nativePrefix begins the names of the native functions.
const nativePrefix = "ecsmcp.native."

// standIns are the native functions, by the functions of Rego that they stand in
// for where the proxy's own modules call them.
var standIns = map[string]*rego.Function{
	"data.ecsmcp.lib.arguments.read": nativeRead,
}

// standInPackages are those in which they do.
var standInPackages = []string{"data.ecsmcp.lib.arguments"}

var (
	nativeRead = &rego.Function{Name: nativePrefix + "read", Decl: types.NewFunction(types.Args(types.A), types.A)}
)

// standIn is a stage of compilation, after references are resolved: in those
// packages, calls of Rego functions become those of the native ones. A
// builtin that merely had the function's name would compile and never be called;
// a "with" in the query works, and is slower.
func standIn(c *ast.Compiler) *ast.Error {
	for _, module := range c.Modules {
		if !slices.Contains(standInPackages, module.Package.Path.String()) {
			continue
		}
		for _, rule := range module.Rules {
			if _, err := ast.TransformRefs(rule, swapped); err != nil {
				return ast.NewError(ast.CompileErr, rule.Location, "put native functions in place: %v", err)
			}
		}
	}
	return nil
}

func swapped(ref ast.Ref) (ast.Value, error) {
	if function := standIns[ref.String()]; function != nil {
		return ast.MustParseRef(function.Name), nil
	}
	return ref, nil
}

// nativeBuiltins declares them to the compiler.
func nativeBuiltins() map[string]*ast.Builtin {
	all := map[string]*ast.Builtin{}
	for _, f := range standIns {
		all[f.Name] = &ast.Builtin{Name: f.Name, Decl: f.Decl}
	}
	return all
}

// native decides natively for the personas of one engine.
type native struct {
	personas map[string]*nativePersona
	// answered counts decisions, entered those about which guardrails were asked.
	// Tests see by them which engine answered.
	answered, entered atomic.Int64
}

type nativePersona struct {
	documents *iam.Policy
	rails     *rails // those that are on
}

// newNative compiles the documents of all personas in the store, and finds what
// the guardrails among modules are about.
func newNative(ctx context.Context, modules map[string]*ast.Module, store storage.Store, prepare preparer) (*native, error) {
	n := &native{personas: map[string]*nativePersona{}}
	found, err := storage.ReadOne(ctx, store, storage.MustParsePath("/ecsmcp/config/personas"))
	if storage.IsNotFound(err) {
		return n, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read personas: %w", ErrPolicy, err)
	}
	personas, ok := found.(ast.Object)
	if !ok {
		return nil, fmt.Errorf("%w: read personas: the store holds %T", ErrPolicy, found)
	}
	all := railsOf(modules)
	return n, personas.Iter(func(name, persona *ast.Term) error {
		decoded, err := ast.JSON(persona.Value)
		if err != nil {
			return fmt.Errorf("%w: persona %v: %w", ErrPolicy, name, err)
		}
		layers, ok := decoded.(map[string]any)
		if !ok {
			return fmt.Errorf("%w: persona %v is no object", ErrPolicy, name)
		}
		documents, err := iam.New(layers)
		if err != nil {
			return fmt.Errorf("%w: persona %v: %w", ErrPolicy, name, err)
		}
		off, _ := layers["guardrails_off"].(map[string]any)
		n.personas[string(name.Value.(ast.String))] = &nativePersona{documents, all.without(off, prepare)}
		return nil
	})
}

// of returns what is compiled of the persona, nil if nothing is.
func (n *native) of(persona string) *nativePersona {
	if n == nil {
		return nil
	}
	return n.personas[persona]
}

// decide is the rule decision of rego/authz for a persona that there is and a
// request that has accesses. Guardrails speak Rego; if none can have something to
// say, OPA is not entered at all.
func (n *native) decide(ctx context.Context, p *nativePersona, r authz.Request) (d authz.Decision, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			d, err = authz.Decision{}, fmt.Errorf("%w: panic: %v", ErrPolicy, broken)
		}
	}()
	n.answered.Add(1)
	if ctx.Err() != nil {
		return d, context.Cause(ctx)
	}
	if err := checkArguments(r.Call); err != nil {
		return d, fmt.Errorf("%w: write input: %w", ErrPolicy, err)
	}
	answer, err := p.documents.Evaluate(r.Accesses)
	if err != nil {
		return d, fmt.Errorf("%w: evaluate: %w", ErrPolicy, err)
	}
	if asked := p.rails.of(r); asked != nil {
		n.entered.Add(1)
		if d, err = asked.ask(ctx, r); err != nil {
			return authz.Decision{}, err
		}
	}
	d.Allow, d.Accesses = answer.Allow && len(d.Denies) == 0, answer.Accesses
	return d, nil
}

// visible is the rule visible of rego/authz for a persona that there is.
func (p *nativePersona) visible(actions []string) []string {
	actions = slices.Compact(slices.Sorted(slices.Values(actions)))
	return slices.DeleteFunc(actions, func(action string) bool { return !p.documents.Names(action) })
}

// answerRead is read(given) of rego/lib/arguments.
func answerRead(_ rego.BuiltinContext, given *ast.Term) (*ast.Term, error) {
	return readArguments(given), nil
}
