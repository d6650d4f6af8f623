package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
)

// ErrPolicy is the class of a policy that cannot be compiled or evaluated.
var ErrPolicy = errors.New("policy error")

// maxEvaluation ends an evaluation that policy made too expensive. It is far
// above what a decision takes, so that a busy machine does not refuse calls; one
// that stands still does not either.
const maxEvaluation = 2 * time.Second

// Persona is what a principal may be. A persona without Identity documents may
// do nothing at AWS; without Boundary or Session, nothing but Identity limits it;
// MCP alone decides what touches no AWS API.
type Persona struct {
	Identity, Boundary, Session, MCP []Document
	Guardrails                       Guardrails
}

// Engine decides requests. It is safe for concurrent use and never changes: new
// policy is a new Engine.
type Engine struct {
	decision rego.PreparedEvalQuery
	visible  rego.PreparedEvalQuery
	native   *native // nil if Rego alone decides
	revision string
	warnings []string
}

// New compiles the embedded modules and those of sources with the documents of
// personas, strictly. Every error is an ErrPolicy.
func New(ctx context.Context, personas map[string]Persona, sources ...Source) (*Engine, error) {
	return newOf(ctx, nativeAnswers, personas, sources...)
}

// NewInRego is New without the native functions: Rego alone decides, the same and
// far slower. It is there to be compared with.
func NewInRego(ctx context.Context, personas map[string]Persona, sources ...Source) (*Engine, error) {
	return newOf(ctx, regoAnswers, personas, sources...)
}

// answerer is what answers where there is a native twin.
type answerer bool

const (
	regoAnswers   answerer = false
	nativeAnswers answerer = true
)

func newOf(ctx context.Context, by answerer, personas map[string]Persona, sources ...Source) (*Engine, error) {
	modules, err := loadModules()
	if err != nil {
		return nil, err
	}
	own, err := joinSources(modules, sources)
	if err != nil {
		return nil, err
	}
	personas, err = checkPersonas(personas)
	if err != nil {
		return nil, err
	}
	guardrails, err := guardrailsOf(modules)
	if err != nil {
		return nil, err
	}
	data, err := loadPersonas(personas, guardrails)
	if err != nil {
		return nil, err
	}
	maps.Copy(data, own) // of which nothing is under ecsmcp
	return newEngine(ctx, by, modules, data, append(warnings(personas), warningsOf(sources)...))
}

func newEngine(ctx context.Context, by answerer, modules map[string]*ast.Module, data map[string]any, warnings []string) (*Engine, error) {
	compiler, err := compile(by, modules, data)
	if err != nil {
		return nil, err
	}
	revision, err := revisionOf(modules, data)
	if err != nil {
		return nil, err
	}
	// AST values on read: a decision then reads the documents without copying them.
	store := inmem.NewFromObjectWithOpts(data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	prepare := func(ctx context.Context, query string) (rego.PreparedEvalQuery, error) {
		prepared, err := rego.New(rego.Query(query), rego.Compiler(compiler), rego.Store(store), rego.StrictBuiltinErrors(true),
			rego.Function1(nativeRead, answerRead), rego.GenerateJSON(asValue)).PrepareForEval(ctx)
		if err != nil {
			return prepared, fmt.Errorf("%w: prepare %s: %w", ErrPolicy, query, err)
		}
		return prepared, nil
	}
	e := &Engine{revision: revision, warnings: warnings}
	if e.decision, err = prepare(ctx, "data.ecsmcp.authz.decision"); err != nil {
		return nil, err
	}
	if e.visible, err = prepare(ctx, "data.ecsmcp.authz.visible"); err != nil {
		return nil, err
	}
	if by == regoAnswers {
		return e, nil
	}
	e.native, err = newNative(ctx, modules, store, prepare)
	return e, err
}

// preparer prepares a query about the modules of one engine.
type preparer func(ctx context.Context, query string) (rego.PreparedEvalQuery, error)

// Revision names the policy in force: equal exactly if modules and documents are.
func (e *Engine) Revision() string { return e.revision }

// Warnings says what is legal in the documents and hardly meant.
func (e *Engine) Warnings() []string { return slices.Clone(e.warnings) }

// Decide answers r. Every error is an ErrPolicy or the end of ctx, and comes with
// the zero Decision, which denies.
func (e *Engine) Decide(ctx context.Context, r authz.Request) (authz.Decision, error) {
	if r.Accesses == nil {
		r.Accesses = []authz.Access{}
	}
	r = r.WithSummary()
	d, err := e.decide(ctx, r)
	if err == nil {
		err = check(r, d)
	}
	if err != nil {
		return authz.Decision{}, fmt.Errorf("decide request: %w", err)
	}
	d.Revision = e.revision
	return d, nil
}

func (e *Engine) decide(ctx context.Context, r authz.Request) (authz.Decision, error) {
	if p := e.native.of(r.Persona); p != nil && len(r.Accesses) > 0 {
		return e.native.decide(ctx, p, r)
	}
	return ask(ctx, e.decision, r)
}

// ask returns what the query decides about r.
func ask(ctx context.Context, query rego.PreparedEvalQuery, r authz.Request) (d authz.Decision, err error) {
	input, err := inputOf(r)
	if err != nil {
		return d, fmt.Errorf("%w: write input: %w", ErrPolicy, err)
	}
	value, err := evaluate(ctx, query, input)
	if err != nil {
		return d, err
	}
	if err := readDecision(value, &d); err != nil {
		if faulty := faultyDeny(value); faulty != nil {
			err = faulty
		}
		return authz.Decision{}, err
	}
	return d, nil
}

// check holds Rego to its own rules, so that no mistake there can allow a call.
func check(r authz.Request, d authz.Decision) error {
	if len(d.Accesses) != len(r.Accesses) {
		return fmt.Errorf("%w: %d answers for %d accesses", ErrPolicy, len(d.Accesses), len(r.Accesses))
	}
	for _, deny := range d.Denies {
		if deny.Code == "" || deny.Message == "" {
			return fmt.Errorf("%w: guardrail %q denies without a message; write deny contains {\"message\": …}", ErrPolicy, deny.Code)
		}
	}
	if !d.Allow {
		return nil
	}
	if err := checkObligations(d); err != nil {
		return err
	}
	if len(d.Denies) > 0 {
		return fmt.Errorf("%w: allowed although %s denies", ErrPolicy, d.Denies[0].Code)
	}
	allowed := 0
	for i, a := range d.Accesses {
		switch {
		case a.Verdict == authz.Allowed:
			allowed++
		case !r.Accesses[i].Optional:
			return fmt.Errorf("%w: allowed although %s is not", ErrPolicy, r.Accesses[i].Action)
		}
	}
	if allowed == 0 {
		return fmt.Errorf("%w: allowed without an allowed access", ErrPolicy)
	}
	return nil
}

// Visible returns, sorted, those of actions that the persona may use on some
// resource under some condition. It serves lists; it is no decision.
func (e *Engine) Visible(ctx context.Context, persona string, actions []string) ([]string, error) {
	if p := e.native.of(persona); p != nil {
		return p.visible(actions), nil
	}
	value, err := evaluate(ctx, e.visible, ast.NewObject(
		ast.Item(term("persona"), ast.StringTerm(persona)), ast.Item(term("actions"), textsTerm(actions))))
	if err != nil {
		return nil, fmt.Errorf("list visible actions: %w", err)
	}
	var visible []string
	if err := decodeValue(value, &visible); err != nil {
		return nil, fmt.Errorf("list visible actions: %w", err)
	}
	return visible, nil
}

// evaluate returns the one value of a query about input. A panic in an
// evaluation ends that evaluation only.
func evaluate(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value) (value ast.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("%w: panic: %v", ErrPolicy, p)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	bounded, cancel := awake.WithTimeout(ctx, maxEvaluation)
	defer cancel()
	results, err := query.Eval(bounded, rego.EvalParsedInput(input))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && bounded.Err() != nil:
		return nil, fmt.Errorf("%w: evaluation took over %s", ErrPolicy, maxEvaluation)
	case err != nil:
		return nil, fmt.Errorf("%w: evaluate: %w", ErrPolicy, err)
	case len(results) != 1 || len(results[0].Expressions) != 1:
		return nil, fmt.Errorf("%w: policy is undefined for this request", ErrPolicy)
	}
	value, ok := results[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, fmt.Errorf("%w: read result: %T is no value of Rego", ErrPolicy, results[0].Expressions[0].Value)
	}
	return value, nil
}

// asValue leaves results as they are: what Go wants of them it reads itself.
func asValue(t *ast.Term, _ *rego.EvalContext) (any, error) { return t.Value, nil }
