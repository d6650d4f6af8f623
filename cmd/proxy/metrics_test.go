package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestServeCountsWhatItDoes(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), "own.rego")
	guardrail := func(text string) {
		must(t, os.WriteFile(own, []byte("package ecsmcp.guardrails.mine\n\n"+text), 0o600))
	}
	guardrail("deny contains \"never\" if input.persona == \"nobody\"\n")
	s := serve(t, withAdmin+"\npolicy: {paths: ["+own+"]}")
	admin := "http://" + s.admin(t)
	// has waits: an outcome is counted after its answer has left, and a file is read in its own time.
	has := func(pattern string) string {
		t.Helper()
		want := regexp.MustCompile(`(?m)^ecs_mcp_proxy_` + pattern + `$`)
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			status, text := look(t, admin+"/metrics")
			if status == 200 && want.MatchString(text) {
				return text
			}
			if time.Now().After(end) {
				t.Fatalf("%d, and no %s in\n%s", status, pattern, text)
			}
		}
	}
	has(`sessions 0`)
	reader := s.connect(t, "reader")
	for range 2 { // one grant, lent twice
		if text, isError := operate(t, reader, "ListClusters", map[string]any{}); isError {
			t.Fatal(text)
		}
	}
	if _, isError := operate(t, reader, "DeleteService", map[string]any{"cluster": "staging", "service": "checkout"}); !isError {
		t.Fatal("the reader deletes")
	}
	for _, want := range []string{
		`sessions 1`, `decisions_total\{class="allowed",persona="reader"\} 2`, `decisions_total\{class="policy",persona="reader"\} 1`,
		`outcomes_total\{class="answered"\} 2`, `grants_total\{from="minted"\} 1`, `grants_total\{from="reused"\} 1`, `leases_total 2`,
		`draws_total\{result="served"\} [1-9]\d*`, `draws_total\{result="refused"\} 0`, `lanes\{state="open"\} [1-9]\d*`, `lanes\{state="busy"\} 0`,
		`sts_requests_total\{operation="AssumeRole",result="ok"\} 1`, `stage_seconds_count\{stage="decide"\} 3`, `stage_seconds_count\{stage="upstream"\} 2`,
		`stage_seconds_count\{stage="wait"\} 2`, `stage_seconds_count\{stage="grant"\} 2`, `policy_loads_total\{result="ok"\} 1`, `policy_trouble 0`,
		`audit_failures_total 0`, `panics_total 0`,
	} {
		has(want)
	}
	guardrail("deny if true\n")
	has(`policy_trouble 1`)
	text := has(`policy_loads_total\{result="failed"\} [1-9]\d*`)
	for _, private := range []string{"arn:aws", "token/", token("reader"), "staging", "AKIA", "ASIA"} {
		if strings.Contains(text, private) {
			t.Errorf("%s is in a metric", private)
		}
	}
}

func TestServeCountsWhomItDoesNotLetInAndRecordsNothingOfThem(t *testing.T) {
	t.Parallel()
	s := serve(t, withAdmin+"\nlimits: {rate: 1, burst: 3}\n")
	record := func() string {
		b, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
		must(t, err)
		return string(b)
	}
	before := record()
	for range 100 {
		s.status(hello, "Bearer "+token("mallory"))
	}
	limited := flood(s, 20, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Bearer "+token("ci"))[429]
	if limited == 0 {
		t.Fatal("nobody was limited")
	}
	_, text := look(t, "http://"+s.admin(t)+"/metrics")
	for _, want := range []string{`ecs_mcp_proxy_http_refusals_total{status="401"} 100`, fmt.Sprintf(`ecs_mcp_proxy_http_refusals_total{status="429"} %d`, limited)} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s in %s", want, text)
		}
	}
	log := s.log()
	if n := strings.Count(log, `"status": 401`); n == 0 || n >= 100 {
		t.Errorf("%d of 100 are in the log", n)
	}
	if strings.Contains(log, token("mallory")) || strings.Contains(log, token("ci")) {
		t.Error("a token is in the log")
	}
	if record() != before {
		t.Error("something was recorded")
	}
}
