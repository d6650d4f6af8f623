package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

const (
	decisionRounds = 11
	roundTime      = 40 * time.Millisecond
)

// errMissed: a measurement is over its budget.
var errMissed = errors.New("budgets missed")

// row is one way to decide one request after the other.
type row struct {
	name string
	// what is compared with, and at most how many times its time this may take.
	to     string
	budget float64
	once   func(i int) error
	took   []time.Duration
}

// The rows that others are compared with.
const (
	emptyRule   = "OPA's empty rule, eight calls"
	emptyMany   = "OPA's empty rule, 20 accesses"
	floorRule   = "OPA's empty rule, input ready"
	seedRow     = "a decision, eight calls"
	seedManyRow = "a decision, 20 accesses"
)

func decisions(ctx context.Context, w io.Writer) error {
	rows, err := decisionRows(ctx)
	if err != nil {
		return fmt.Errorf("prepare decisions: %w", err)
	}
	for range decisionRounds {
		for _, r := range rows {
			took, err := r.round()
			if err != nil {
				return fmt.Errorf("measure %s: %w", r.name, err)
			}
			r.took = append(r.took, took)
		}
	}
	return reportDecisions(w, rows)
}

// round returns the mean processor time of one decision, whatever else the machine
// does.
func (r *row) round() (time.Duration, error) {
	runtime.GC() // what others left behind is not counted
	began, err := processorTime()
	if err != nil {
		return 0, err
	}
	for n := 0; ; {
		for range 8 {
			if err := r.once(n); err != nil {
				return 0, err
			}
			n++
		}
		now, err := processorTime()
		if err != nil {
			return 0, err
		}
		if took := now - began; took >= roundTime {
			return took / time.Duration(n), nil
		}
	}
}

func (r *row) median() float64 {
	slices.Sort(r.took)
	return float64(r.took[len(r.took)/2].Nanoseconds()) / 1000
}

func decisionRows(ctx context.Context) ([]*row, error) {
	small, err := seed()
	if err != nil {
		return nil, err
	}
	calls, err := requests()
	if err != nil {
		return nil, err
	}
	many, err := manyAccesses()
	if err != nil {
		return nil, err
	}
	reads, writes := divided(calls)
	plain := slices.DeleteFunc(slices.Clone(reads), func(r authz.Request) bool {
		return r.Call.Operation == "DescribeTasks" || r.Call.Operation == "DescribeTaskDefinition" // whose answers are redacted
	})
	empty, err := rego.New(rego.Query("data.empty.decision"), rego.Module("empty.rego", "package empty\n\ndefault decision := false")).PrepareForEval(ctx)
	if err != nil {
		return nil, err
	}
	onValue := func(all ...authz.Request) func(int) error {
		return func(i int) error {
			_, err := empty.Eval(ctx, rego.EvalInput(all[i%len(all)].WithSummary()))
			return err
		}
	}
	ready, err := parsed(calls)
	if err != nil {
		return nil, err
	}
	rows := []*row{
		{name: emptyRule, once: onValue(calls...)},
		{name: emptyMany, once: onValue(many)},
		{name: floorRule, once: func(i int) error {
			_, err := empty.Eval(ctx, rego.EvalParsedInput(ready[i%len(ready)]))
			return err
		}},
	}
	engine := func(name, to string, budget float64, p policy.Persona, compile compiler, all ...authz.Request) error {
		e, err := compile(ctx, map[string]policy.Persona{"seed": p})
		if err != nil {
			return err
		}
		rows = append(rows, &row{name: name, to: to, budget: budget, once: func(i int) error {
			d, err := e.Decide(ctx, all[i%len(all)])
			if err == nil && !d.Allow {
				err = fmt.Errorf("refused: %v %v", d.Accesses, d.Denies)
			}
			return err
		}})
		return nil
	}
	for _, e := range []struct {
		name, to   string
		budget     float64
		statements int
		compile    compiler
		calls      []authz.Request
	}{
		{seedRow, emptyRule, 0, 0, policy.New, calls},
		{"  those of them that read", emptyRule, 3, 0, policy.New, reads},
		{"  those of these that concern no guardrail", floorRule, 3, 0, policy.New, plain},
		{"  those that write, which guardrails look into", emptyRule, 0, 0, policy.New, writes},
		{seedManyRow, emptyMany, 3, 0, policy.New, []authz.Request{many}},
		{"1,000 statements more, eight calls", seedRow, 5, 1_000, policy.New, calls},
		{"10,000 statements more, eight calls", seedRow, 5, 10_000, policy.New, calls},
		{"10,000 statements more, 20 accesses", seedManyRow, 5, 10_000, policy.New, []authz.Request{many}},
		{"in Rego alone, eight calls", emptyRule, 0, 0, policy.NewInRego, calls},
		{"in Rego alone, 20 accesses", emptyMany, 0, 0, policy.NewInRego, []authz.Request{many}},
	} {
		p, err := grown(small, e.statements)
		if err != nil {
			return nil, err
		}
		if err := engine(e.name, e.to, e.budget, p, e.compile, e.calls...); err != nil {
			return nil, err
		}
	}
	set, err := newCedar(small)
	if err != nil {
		return nil, err
	}
	inCedar := func(all ...authz.Request) func(int) error {
		return func(i int) error {
			if !set.decide(all[i%len(all)]) {
				return fmt.Errorf("cedar-go refuses %s", all[i%len(all)].Call.Operation)
			}
			return nil
		}
	}
	return append(rows, &row{name: "the same documents in cedar-go, eight calls", to: emptyRule, once: inCedar(calls...)},
		&row{name: "the same documents in cedar-go, 20 accesses", to: emptyMany, once: inCedar(many)}), nil
}

type compiler func(context.Context, map[string]policy.Persona, ...policy.Source) (*policy.Engine, error)

func divided(all []authz.Request) (reads, writes []authz.Request) {
	for _, r := range all {
		if r.Call.Write {
			writes = append(writes, r)
		} else {
			reads = append(reads, r)
		}
	}
	return reads, writes
}

func parsed(all []authz.Request) (values []ast.Value, err error) {
	for _, r := range all {
		b, err := json.Marshal(r.WithSummary())
		if err != nil {
			return nil, err
		}
		v, err := ast.ValueFromReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

func reportDecisions(w io.Writer, rows []*row) error {
	medians, over := map[string]float64{}, 0
	for _, r := range rows {
		medians[r.name] = r.median()
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\tmedian\tx input ready\tx its measure\tbudget\t\n")
	for _, r := range rows {
		ratio, verdict := "", ""
		if r.to != "" {
			ratio = fmt.Sprintf("%.2f", medians[r.name]/medians[r.to])
		}
		if r.budget > 0 {
			verdict = fmt.Sprintf("%v", r.budget)
			if medians[r.name] > r.budget*medians[r.to] {
				verdict += ", missed"
				over++
			}
		}
		fmt.Fprintf(t, "%s\t%.1f µs\t%.1f\t%s\t%s\t\n", r.name, medians[r.name], medians[r.name]/medians[floorRule], ratio, verdict)
	}
	fmt.Fprintf(t, "medians of %d interleaved rounds, one decision after the other; five policies, boundary and guardrails on\n", decisionRounds)
	if err := t.Flush(); err != nil {
		return err
	}
	if over > 0 {
		return fmt.Errorf("%w: %d", errMissed, over)
	}
	return nil
}
