package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
)

// nativePrefix begins the names of the native functions.
const nativePrefix = "ecsmcp.native."

// standIns are the native functions, by the functions of Rego that they stand in
// for where the proxy's own modules call them.
var standIns = map[string]*rego.Function{
	"data.ecsmcp.iam.evaluate": nativeEvaluate,
	"data.ecsmcp.authz.rails":  nativeRails,
	"data.ecsmcp.authz.open":   nativeOpen,

	"data.ecsmcp.lib.arguments.read": nativeRead,
}

// standInPackages are those in which they do.
var standInPackages = []string{"data.ecsmcp.authz", "data.ecsmcp.lib.arguments"}

var (
	nativeEvaluate = &rego.Function{Name: nativePrefix + "evaluate", Decl: types.NewFunction(types.Args(types.A, types.A), types.A)}
	nativeRails    = &rego.Function{Name: nativePrefix + "rails", Decl: types.NewFunction(types.Args(types.A), types.A)}
	nativeOpen     = &rego.Function{Name: nativePrefix + "open", Decl: types.NewFunction(types.Args(types.A, types.A), types.A)}
	nativeRead     = &rego.Function{Name: nativePrefix + "read", Decl: types.NewFunction(types.Args(types.A), types.A)}
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

// native has the native functions of one engine.
type native struct {
	// personas are the compiled documents of each persona, by the value that the
	// store hands out for it: the same one every time, because it holds AST values.
	personas map[ast.Object]*iam.Policy
	rails    *rails
	// answered counts calls, strangers those about documents of no persona, which
	// are compiled anew. Tests see by them which engine answered.
	answered, strangers atomic.Int64
}

// newNative compiles the documents of all personas in the store, and finds what
// the guardrails among modules are about.
func newNative(ctx context.Context, modules map[string]*ast.Module, store storage.Store) (*native, error) {
	n := &native{personas: map[ast.Object]*iam.Policy{}, rails: railsOf(modules)}
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
	return n, personas.Iter(func(name, persona *ast.Term) error {
		layers, ok := persona.Value.(ast.Object)
		if !ok {
			return fmt.Errorf("%w: persona %v is no object", ErrPolicy, name)
		}
		compiled, err := compileLayers(layers)
		if err != nil {
			return fmt.Errorf("%w: persona %v: %w", ErrPolicy, name, err)
		}
		n.personas[layers] = compiled
		return nil
	})
}

func compileLayers(layers ast.Object) (*iam.Policy, error) {
	decoded, err := ast.JSON(layers)
	if err != nil {
		return nil, err
	}
	return iam.New(decoded.(map[string]any))
}

// evaluate is evaluate(layers, accesses) of rego/iam. Its errors end the
// evaluation, which denies.
func (n *native) evaluate(_ rego.BuiltinContext, layers, accesses *ast.Term) (*ast.Term, error) {
	n.answered.Add(1)
	compiled, err := n.compiled(layers)
	if err != nil {
		return nil, halt(err)
	}
	read, err := readAccesses(accesses)
	if err != nil {
		return nil, halt(err)
	}
	answer, err := compiled.Evaluate(read)
	if err != nil {
		return nil, halt(err)
	}
	return answerTerm(answer), nil
}

// compiled returns the compiled documents of layers.
func (n *native) compiled(layers *ast.Term) (*iam.Policy, error) {
	documents, ok := layers.Value.(ast.Object)
	if !ok {
		return nil, errors.New("layers are no object")
	}
	if compiled := n.personas[documents]; compiled != nil {
		return compiled, nil
	}
	n.strangers.Add(1)
	return compileLayers(documents)
}

// open is open(layers, actions) of rego/authz.
func (n *native) open(_ rego.BuiltinContext, layers, actions *ast.Term) (*ast.Term, error) {
	compiled, err := n.compiled(layers)
	if err != nil {
		return nil, halt(err)
	}
	asked, ok := texts(actions)
	if !ok {
		return nil, halt(errors.New("actions are no list of strings"))
	}
	slices.Sort(asked)
	open := slices.DeleteFunc(slices.Compact(asked), func(action string) bool { return !compiled.Names(action) })
	return textsTerm(open), nil
}

// read is read(given) of rego/lib/arguments.
func (n *native) read(_ rego.BuiltinContext, given *ast.Term) (*ast.Term, error) {
	return readArguments(given), nil
}

// asked is rails(request) of rego/authz.
func (n *native) asked(_ rego.BuiltinContext, request *ast.Term) (*ast.Term, error) {
	return n.rails.of(request), nil
}

// halt ends the whole evaluation, whoever called.
func halt(err error) error {
	return rego.NewHaltError(fmt.Errorf("native function: %w", err))
}
