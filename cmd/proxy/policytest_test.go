package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// testResult is what opa test and policy test print of a test as JSON.
type testResult struct {
	Package, Name string
	Fail, Skip    bool
	Location      struct{ File string }
}

func results(t *testing.T, b []byte) (lines []string) {
	t.Helper()
	var all []testResult
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	for _, r := range all {
		line := r.Location.File + " " + r.Package + " " + r.Name
		if r.Fail || r.Skip {
			line += " not passed"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// The embedded policy is tested as stock opa tests the checkout: the same tests,
// with the same results.
func TestPolicyTestsAsOPADoes(t *testing.T) {
	t.Parallel()
	opa := exec.Command("go", "tool", "-modfile=tools.mod", "opa", "test", "rego", "--format", "json", "--timeout", "1m")
	opa.Dir = "../.."
	stock, err := opa.Output()
	if err != nil {
		t.Fatalf("opa test: %v\n%s", err, stock)
	}
	var ours bytes.Buffer
	if err := (&policyTest{asJSON: true, out: &ours, timeout: time.Minute}).all(t.Context(), nil); err != nil {
		t.Fatalf("policy test: %v\n%s", err, &ours)
	}
	want, got := results(t, stock), results(t, ours.Bytes())
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("only opa test has %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("only policy test has %s", line)
		}
	}
	if len(want) < 100 || len(got) != len(want) {
		t.Errorf("opa ran %d tests, policy test %d", len(want), len(got))
	}
}

// Every built-in document that policy show prints is one that policy check takes
// once its placeholders are filled.
func TestShownDocumentsAreTaken(t *testing.T) {
	t.Parallel()
	examples := map[string]string{"region": "us-east-1", "account": "123456789012", "partition": "aws", "cluster": "shop", "service": "web",
		"task_roles": "app-*", "managed_roles": "app-*"}
	for _, d := range policy.Builtins() {
		values := map[string]string{}
		for _, v := range d.Values {
			if values[v.Name] = examples[v.Name]; values[v.Name] == "" {
				t.Fatalf("%s: no example of %s", d.Name, v.Name)
			}
		}
		text, err := policy.BuiltinText(d.Name, values)
		if err != nil {
			t.Fatal(err)
		}
		read, err := policy.ReadDocument(d.Name, []byte(text))
		if err != nil || len(read.Warnings()) > 0 {
			t.Errorf("%s: %v, %v", d.Name, err, read.Warnings())
		}
	}
}
