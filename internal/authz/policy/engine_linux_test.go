package policy

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"
)

// standing makes the test's process one that stops itself in an evaluation.
const standing = "ECSMCP_TEST_STANDS_STILL"

// A machine that stands still while policy is asked has not made policy slow.
func TestAnEvaluationOfAMachineThatStoodStillIsNoSlowOne(t *testing.T) {
	if os.Getenv(standing) != "" {
		evaluateStopped(t)
		return
	}
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env, child.Stdout, child.Stderr = append(os.Environ(), standing+"=1"), os.Stderr, os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(child.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it did not stop: %v, %v", status, err)
	}
	time.Sleep(maxEvaluation + maxEvaluation/4)
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Error(err)
	}
	if err := child.Wait(); err != nil {
		t.Errorf("the evaluation failed: %v", err)
	}
}

// evaluateStopped evaluates a query in the midst of which the process is stopped.
func evaluateStopped(t *testing.T) {
	stop := rego.Function1(&rego.Function{Name: "stop", Decl: types.NewFunction(types.Args(types.A), types.A)},
		func(_ rego.BuiltinContext, a *ast.Term) (*ast.Term, error) {
			return a, syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		})
	query, err := rego.New(rego.Query("[stop(1), count([a | a := numbers.range(1, 100000)[_]])]"), stop, rego.GenerateJSON(asValue)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evaluate(t.Context(), query, ast.ObjectTerm().Value); err != nil {
		t.Error(err)
	}
}
