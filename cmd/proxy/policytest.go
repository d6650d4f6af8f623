package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/lineage"
	"github.com/spf13/cobra"
)

const policyTestHelp = `Run the tests of policy: rules whose names begin with test_, as "opa test" does.

Without a PATH, the tests of the built-in policy run. With one, those of its
files and folders run, and the built-in policy is there to be imported. It is
left out if a PATH holds a checkout of it.

    ecs-mcp-proxy policy test
    ecs-mcp-proxy policy test -v --run production rego/

Data beside them are read as opa does, and a test may use all that opa test lets
it, the network too; policy check says what decisions do not take.

It ends with 0, also if there is no test; with 2 if a test fails, is skipped
(todo_test_) or takes longer than --timeout, or if less is covered than --threshold
says; and with 1 if the files cannot be read or do not compile. A mistake in flags
is 2 as well.`

// policyTest is one run of the verb.
type policyTest struct {
	verbose, coverage, asJSON bool
	run                       string
	threshold                 float64
	timeout                   time.Duration
	out, notes                io.Writer
}

func newPolicyTest() *cobra.Command {
	var t policyTest
	cmd := &cobra.Command{
		Use:   "test [flags] [PATH…]",
		Short: "Run the tests of policy, as opa test does",
		Long:  policyTestHelp,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if t.threshold < 0 || t.threshold > 100 {
				return fmt.Errorf("%w: --threshold is a percentage, 0 to 100", errUsage)
			}
			if t.timeout <= 0 {
				return fmt.Errorf("%w: --timeout is longer than nothing, such as 1m", errUsage)
			}
			if _, err := regexp.Compile(t.run); err != nil {
				return fmt.Errorf("%w: --run: %w; write a part of a test's name, or a regular expression", errUsage, err)
			}
			t.coverage = t.coverage || t.threshold > 0
			out := &firstError{w: cmd.OutOrStdout()}
			t.out, t.notes = out, cmd.ErrOrStderr()
			err := t.all(cmd.Context(), paths)
			if out.err != nil { // OPA's reporter does not say it
				return out.err
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&t.verbose, "verbose", "v", false, "name every test, and show where a failed one stopped")
	cmd.Flags().StringVarP(&t.run, "run", "r", "", "run only tests whose name (data.PACKAGE.test_NAME) matches the regular expression")
	cmd.Flags().BoolVarP(&t.coverage, "coverage", "c", false, "report the lines that no test reached")
	cmd.Flags().Float64Var(&t.threshold, "threshold", 0, "fail if less than this percentage of lines is covered")
	cmd.Flags().DurationVar(&t.timeout, "timeout", time.Minute, "the longest that one test may take")
	cmd.Flags().BoolVar(&t.asJSON, "json", false, "print the results, or the coverage, as JSON")
	return cmd
}

func (t *policyTest) all(ctx context.Context, paths []string) error {
	modules, tested, data, err := loadTests(paths)
	if err != nil {
		return err
	}
	store := inmem.NewFromObject(data)
	txn, err := store.NewTransaction(ctx, storage.WriteParams)
	if err != nil {
		return fmt.Errorf("run tests: %w", err)
	}
	defer store.Abort(ctx, txn)
	compiler := ast.NewCompiler().WithPathConflictsCheck(storage.NonEmpty(ctx, store, txn)).WithEnablePrintStatements(true).
		WithCapabilities(ast.CapabilitiesForThisVersion()).WithUseTypeCheckAnnotations(true)
	runner := tester.NewRunner().SetCompiler(compiler).SetStore(store).SetModules(modules).CapturePrintOutput(true).
		StackTraces(true).EnableTracing(t.verbose && !t.coverage).SetTimeout(t.timeout).Filter(t.run).SetParallel(runtime.NumCPU())
	var covered *cover.Cover
	if t.coverage {
		covered = cover.New()
		runner.SetCoverageQueryTracer(covered)
	}
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return fmt.Errorf("compile tests: %w", opaErrors(err))
	}
	passed, err := t.report(results)
	if err != nil {
		return err
	}
	if covered != nil {
		enough, err := t.reportCoverage(covered, tested)
		if err != nil {
			return err
		}
		passed = passed && enough
	}
	if !passed {
		return exitCode(exitUsage) // as opa does
	}
	return nil
}

// report prints the results as they come, and says whether all passed.
func (t *policyTest) report(results chan *tester.Result) (passed bool, err error) {
	passed = true
	ran, late := 0, 0
	shown := make(chan *tester.Result)
	go func() {
		defer close(shown)
		for r := range results {
			ran, passed = ran+1, passed && r.Pass()
			if topdown.IsCancel(r.Error) {
				late++
			}
			r.Trace = lineage.Filter(r.Trace, func(e *topdown.Event) bool { return e.Op == topdown.NoteOp || e.Op == topdown.FailOp })
			shown <- r
		}
	}()
	var reporter tester.Reporter = tester.PrettyReporter{Verbose: t.verbose, Output: t.out}
	if t.asJSON {
		reporter = tester.JSONReporter{Output: t.out}
		if t.coverage { // one JSON value, and it is the coverage
			reporter = tester.JSONReporter{Output: io.Discard}
		}
	}
	if err := reporter.Report(shown); err != nil {
		return false, fmt.Errorf("report tests: %w", err)
	}
	switch {
	case ran == 0 && t.run != "":
		t.note("no test ran: no name matches --run %s; -v without it names all", t.run)
	case ran == 0:
		t.note("no test ran: there is no rule whose name begins with test_, in a file whose name ends in .rego; misspelled references are found by ecs-mcp-proxy policy check")
	case late > 0:
		t.note("%s took longer than --timeout %v: such a test never ends, or needs a longer --timeout", counted(late, "test"), t.timeout)
	}
	return passed, nil
}

// note says on standard error what the results do not.
func (t *policyTest) note(format string, args ...any) {
	if t.notes != nil {
		fmt.Fprintf(t.notes, "ecs-mcp-proxy: "+format+"\n", args...)
	}
}

// firstError remembers that something could not be written.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(b []byte) (n int, err error) {
	if f.err != nil {
		return 0, f.err
	}
	n, f.err = f.w.Write(b)
	return n, f.err
}

// reportCoverage prints what no test reached of the modules that are tested.
func (t *policyTest) reportCoverage(covered *cover.Cover, tested map[string]*ast.Module) (enough bool, err error) {
	report := covered.Report(tested)
	maps.DeleteFunc(report.Files, func(name string, _ *cover.FileReport) bool { return tested[name] == nil })
	report.CoveredLines, report.NotCoveredLines = 0, 0
	for _, file := range report.Files {
		report.CoveredLines += file.CoveredLines
		report.NotCoveredLines += file.NotCoveredLines
	}
	report.Coverage = 100
	if all := report.CoveredLines + report.NotCoveredLines; all > 0 {
		report.Coverage = float64(report.CoveredLines) * 100 / float64(all)
	}
	enough = report.Coverage >= t.threshold
	if t.asJSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return enough, e.Encode(report)
	}
	for _, name := range slices.Sorted(maps.Keys(report.Files)) {
		last := 0
		for _, r := range report.Files[name].NotCovered {
			if r.End.Row == last {
				continue // another part of the same line
			}
			last = r.End.Row
			if _, err := fmt.Fprintf(t.out, "%s:%d: not covered%s\n", name, r.Start.Row, upTo(r)); err != nil {
				return false, err
			}
		}
	}
	verdict := ""
	if !enough {
		verdict = fmt.Sprintf(", less than the %v%% that --threshold asks for", t.threshold)
	}
	_, err = fmt.Fprintf(t.out, "COVERAGE: %.4g%% of %d lines%s\n", report.Coverage, report.CoveredLines+report.NotCoveredLines, verdict)
	return enough, err
}

func upTo(r cover.Range) string {
	if r.Start.Row == r.End.Row {
		return ""
	}
	return fmt.Sprintf(", up to line %d", r.End.Row)
}
