package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/lineage"
	"github.com/spf13/cobra"

	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

const policyTestHelp = `Run the tests of policy: rules whose names begin with test_, as "opa test" does.

Without a PATH, the tests of the built-in policy run. With one, those of its
files and folders run, and the built-in policy is there to be imported. It is
left out if a PATH holds a checkout of it.

    ecs-mcp-proxy policy test
    ecs-mcp-proxy policy test -v --run production rego/

It ends with 0, with 2 if a test fails or less is covered than --threshold says,
and with 1 if the files do not compile.`

// policyTest is one run of the verb.
type policyTest struct {
	verbose, coverage, asJSON bool
	run                       string
	threshold                 float64
	timeout                   time.Duration
	out                       io.Writer
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
			t.coverage = t.coverage || t.threshold > 0
			t.out = cmd.OutOrStdout()
			return t.all(cmd.Context(), paths)
		},
	}
	cmd.Flags().BoolVarP(&t.verbose, "verbose", "v", false, "name every test, and show where a failed one stopped")
	cmd.Flags().StringVarP(&t.run, "run", "r", "", "run only tests whose name (data.PACKAGE.test_NAME) matches the regular expression")
	cmd.Flags().BoolVarP(&t.coverage, "coverage", "c", false, "report the lines that no test reached")
	cmd.Flags().Float64Var(&t.threshold, "threshold", 0, "fail if less than this percentage of lines is covered")
	cmd.Flags().DurationVar(&t.timeout, "timeout", 5*time.Second, "the longest that one test may take")
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
		EnableTracing(t.verbose && !t.coverage).SetTimeout(t.timeout).Filter(t.run).SetParallel(runtime.NumCPU())
	var covered *cover.Cover
	if t.coverage {
		covered = cover.New()
		runner.SetCoverageQueryTracer(covered)
	}
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return fmt.Errorf("compile tests: %w", err)
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
	shown := make(chan *tester.Result)
	go func() {
		defer close(shown)
		for r := range results {
			passed = passed && r.Pass()
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
	return passed, nil
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

// loadTests reads the modules of a run, which of them are tested themselves, and
// the data beside them.
func loadTests(paths []string) (modules, tested map[string]*ast.Module, data map[string]any, err error) {
	library, err := loadRego(underRego{files.Files}, "rego")
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the built-in policy: %w", err)
	}
	if len(paths) == 0 {
		return parsed(library), parsed(library), library.Documents, nil
	}
	own, err := loadRego(nil, paths...)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read tests: %w", err)
	}
	tested, modules = parsed(own), parsed(own)
	for _, module := range tested {
		if module.Package.Path.String() == "data.ecsmcp.iam" {
			return modules, tested, own.Documents, nil
		}
	}
	for name, module := range parsed(library) {
		if !strings.HasSuffix(name, "_test.rego") {
			modules["built-in "+name] = module
		}
	}
	return modules, tested, own.Documents, nil
}

func loadRego(from fs.FS, paths ...string) (*loader.Result, error) {
	l := loader.NewFileLoader().WithRegoVersion(ast.RegoV1).WithProcessAnnotation(true)
	if from != nil {
		l = l.WithFS(from)
	}
	return l.Filtered(paths, func(_ string, info fs.FileInfo, _ int) bool {
		return strings.HasPrefix(info.Name(), ".") && len(info.Name()) > 1 // as policy.paths is read
	})
}

func parsed(r *loader.Result) map[string]*ast.Module {
	modules := map[string]*ast.Module{}
	for _, m := range r.Modules {
		modules[m.Name] = m.Parsed
	}
	return modules
}

// underRego shows the embedded files in a folder rego, so that results read as
// those of opa test rego in a checkout.
type underRego struct{ fs.FS }

func (u underRego) Open(name string) (fs.File, error) {
	below, err := filepath.Rel("rego", filepath.FromSlash(name))
	if err != nil || strings.HasPrefix(below, "..") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.Join(err, fs.ErrNotExist)}
	}
	return u.FS.Open(filepath.ToSlash(below))
}
