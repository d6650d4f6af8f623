package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
)

// Question asks about accesses under documents that no persona need hold. An
// empty Boundary or Session is an absent layer, which limits nothing.
type Question struct {
	Identity, Boundary, Session []Document
	Accesses                    []authz.Access
}

// layers are the documents as rego/iam and its twin take them.
func (q Question) layers() (map[string]any, error) {
	layers := map[string]any{}
	for name, documents := range map[string][]Document{"identity": q.Identity, "boundary": q.Boundary, "session": q.Session} {
		named := make([]any, len(documents))
		for i, d := range documents {
			document, err := d.value()
			if err != nil {
				return nil, err
			}
			named[i] = map[string]any{"name": d.Name, "document": document}
		}
		layers[name] = named
	}
	return layers, nil
}

// Reference answers questions by rego/iam itself: the law that every other
// evaluator is held to.
type Reference struct{ answers rego.PreparedEvalQuery }

// NewReference compiles the embedded rego/iam. Every error is an ErrPolicy.
func NewReference(ctx context.Context) (*Reference, error) {
	modules, err := loadModules()
	if err != nil {
		return nil, err
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("%w: compile modules: %w", ErrPolicy, compiler.Errors)
	}
	query := rego.Query("[answer | some q in input; answer := data.ecsmcp.iam.evaluate(q.layers, q.accesses)]")
	prepared, err := rego.New(query, rego.Compiler(compiler), rego.StrictBuiltinErrors(true), rego.GenerateJSON(asValue)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: prepare rego/iam: %w", ErrPolicy, err)
	}
	return &Reference{prepared}, nil
}

// valueOf is what JSON makes of a Go value.
func valueOf(input any) (ast.Value, error) {
	b, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("%w: write input: %w", ErrPolicy, err)
	}
	value, err := ast.ValueFromReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: write input: %w", ErrPolicy, err)
	}
	return value, nil
}

// Judge answers questions in one evaluation, in their order. One that cannot be
// answered is an error for all. Every error is an ErrPolicy or the end of ctx.
func (r *Reference) Judge(ctx context.Context, questions ...Question) ([]iam.Answer, error) {
	input := make([]any, len(questions))
	for i, q := range questions {
		layers, err := q.layers()
		if err != nil {
			return nil, err
		}
		input[i] = map[string]any{"layers": layers, "accesses": q.Accesses}
	}
	parsed, err := valueOf(input)
	if err != nil {
		return nil, fmt.Errorf("judge by rego: %w", err)
	}
	value, err := evaluate(ctx, r.answers, parsed)
	if err != nil {
		return nil, fmt.Errorf("judge by rego: %w", err)
	}
	var answers []iam.Answer
	if err := decodeValue(value, &answers); err != nil {
		return nil, fmt.Errorf("judge by rego: %w", err)
	}
	if len(answers) != len(questions) {
		return nil, fmt.Errorf("%w: judge by rego: %d answers for %d questions", ErrPolicy, len(answers), len(questions))
	}
	for i, answer := range answers {
		if len(answer.Accesses) != len(questions[i].Accesses) {
			return nil, fmt.Errorf("%w: judge by rego: %d results for %d accesses", ErrPolicy, len(answer.Accesses), len(questions[i].Accesses))
		}
	}
	return answers, nil
}

// Native answers questions by the twin of rego/iam, which decides in the proxy.
type Native struct{}

// Judge answers questions in their order. One that cannot be answered is an error
// for all.
func (Native) Judge(ctx context.Context, questions ...Question) ([]iam.Answer, error) {
	answers := make([]iam.Answer, len(questions))
	for i, q := range questions {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		layers, err := q.layers()
		if err != nil {
			return nil, err
		}
		compiled, err := iam.New(layers)
		if err != nil {
			return nil, fmt.Errorf("%w: judge natively: %w", ErrPolicy, err)
		}
		if answers[i], err = compiled.Evaluate(q.Accesses); err != nil {
			return nil, fmt.Errorf("%w: judge natively: %w", ErrPolicy, err)
		}
	}
	return answers, nil
}
