package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	mcpgate "github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// traced adds a trace context to every request.
type traced struct {
	parent string
	next   http.RoundTripper
}

func (p traced) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Traceparent", p.parent)
	r.Header.Set("Tracestate", "vendor=canary-state")
	r.Header.Set("Baggage", "user=canary-baggage")
	return p.next.RoundTrip(r)
}

// recorded are the classes on record by decision: of the decision, and of its outcome.
func recorded(t *testing.T, file string) map[string][2]string {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	classes := map[string][2]string{}
	for line := range strings.Lines(string(b)) {
		var r struct {
			ID    string `json:"decision_id"`
			Phase string `json:"phase"`
			Class string `json:"class"`
		}
		must(t, json.Unmarshal([]byte(line), &r))
		had := classes[r.ID]
		switch r.Phase {
		case "decision", "refusal":
			had[0] = r.Class
		case "outcome":
			had[1] = r.Class
		}
		classes[r.ID] = had
	}
	return classes
}

// Sources: W3C Trace Context; MCP, SEP-414; OpenTelemetry semantic conventions for MCP.
func TestServeSendsASpanForEachCallAndEachStage(t *testing.T) {
	t.Parallel()
	c := collect(t)
	headers := filepath.Join(t.TempDir(), "headers")
	must(t, os.WriteFile(headers, []byte("Authorization: Bearer canary-collector\nX-Team: platform\n"), 0o600))
	s := serve(t, fmt.Sprintf("traces: {endpoint: %q, headers_file: %q}\n", c.URL+"/v1/traces", headers))
	s.aws.AddService("staging", "canary-service", map[string]string{"Environment": "staging", "Secret": "canary-fact"})
	const byHeader, byMessage = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
	session := s.connectBy(t, traced{"00-" + byHeader + "-b7ad6b7169203331-01", bearer(token("ci"))})
	call := func(operation string, params map[string]any, meta mcp.Meta) bool {
		t.Helper()
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Meta: meta, Name: "ecs_resource_management", Arguments: map[string]any{"api_operation": operation, "api_params": params}})
		must(t, err)
		return !result.IsError
	}
	if !call("DeleteService", map[string]any{"cluster": "staging", "service": "canary-service"}, nil) || !call("ListClusters", map[string]any{}, mcp.Meta{"traceparent": "00-" + byMessage + "-00f067aa0ba902b7-01"}) {
		t.Fatal("a call was not allowed")
	}
	if call("DeleteCluster", map[string]any{"cluster": "canary-cluster"}, mcp.Meta{"traceparent": "canary-parent"}) {
		t.Fatal("a call was allowed")
	}
	if !call("ListClusters", map[string]any{}, mcp.Meta{"traceparent": "00-" + byMessage + "-00f067aa0ba902b7-00"}) { // its trace is not followed
		t.Fatal("a call was not allowed")
	}
	if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "canary_tool_that_is_not_there"}); err == nil {
		t.Fatal("a tool that there is none of was called")
	}

	calls := c.calls(4)
	onRecord := recorded(t, filepath.Join(s.dir, "audit.jsonl"))
	byClass := map[string]followed{}
	for id, f := range calls {
		if want := onRecord[id]; f.attributes["ecsmcp.class"] != want[0] || f.attributes["ecsmcp.outcome"] != want[1] {
			t.Errorf("%s is on record as %q, and followed as %v", id, want, f.attributes)
		}
		if f.attributes["ecsmcp.requested_by"] != "token/ci" || f.attributes["ecsmcp.persona"] != "deployer" || f.attributes["mcp.method.name"] != "tools/call" || f.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
			t.Errorf("%v", f.Span)
		}
		trace, failed := byHeader, tracepb.Status_STATUS_CODE_ERROR
		switch key := f.attributes["ecsmcp.class"]; {
		case key == "allowed" && slices.Contains(f.stages, "facts"):
			byClass["facts"], failed = f, tracepb.Status_STATUS_CODE_UNSET
		case key == "allowed":
			byClass["allowed"], trace, failed = f, byMessage, tracepb.Status_STATUS_CODE_UNSET
		default:
			byClass[key] = f
		}
		if got := hex.EncodeToString(f.GetTraceId()); got != trace {
			t.Errorf("%v is of trace %s, want %s", f.attributes, got, trace)
		}
		if f.GetStatus().GetCode() != failed {
			t.Errorf("%v has the status %v", f.attributes, f.GetStatus())
		}
	}
	for class, want := range map[string]struct {
		name, stages string
	}{
		"facts":        {"tools/call ecs_resource_management", "identify catalogue decide facts decide wait grant record lease upstream answer"},
		"allowed":      {"tools/call ecs_resource_management", "identify catalogue decide wait grant record lease upstream answer"},
		"policy":       {"tools/call ecs_resource_management", "identify catalogue decide facts decide record"},
		"unknown-tool": {"tools/call", "identify catalogue record"},
	} {
		if f := byClass[class]; f.GetName() != want.name || strings.Join(f.stages, " ") != want.stages {
			t.Errorf("%s: %q has the stages %v, want %s", class, f.GetName(), f.stages, want.stages)
		}
	}
	for _, stage := range mcpgate.Stages {
		if stage != mcpgate.StageConfirm && !slices.Contains(byClass["facts"].stages, stage) { // nobody was asked
			t.Errorf("the stage %s is not followed", stage)
		}
	}
	if shown := c.shown(); shown.Get("Authorization") != "Bearer canary-collector" || shown.Get("X-Team") != "platform" {
		t.Errorf("the collector got %v", shown)
	}
	for _, private := range []string{"canary-service", "canary-fact", "canary-cluster", "canary-state", "canary-baggage", "canary-parent", "canary-collector",
		token("ci"), "arn:aws", "AKIA", "ASIA", "api_operation", "DeleteService", "staging"} {
		if strings.Contains(c.bytes(), private) {
			t.Errorf("%s is in what was sent", private)
		}
	}
	if strings.Contains(s.log(), "canary-collector") {
		t.Error("the collector's header is in the log")
	}
}

func TestACollectorThatTakesNothingHoldsUpNoCall(t *testing.T) {
	t.Parallel()
	c := collect(t)
	c.answer(http.StatusServiceUnavailable)
	s := serve(t, withAdmin+fmt.Sprintf("\ntraces: {endpoint: %q}\n", c.URL+"/v1/traces"))
	session := s.connect(t, "ci")
	if text, isError := operate(t, session, "ListClusters", map[string]any{}); isError {
		t.Fatal(text)
	}
	admin := "http://" + s.admin(t)
	has := func(want string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			_, text := look(t, admin+"/metrics")
			if regexp.MustCompile(`(?m)^` + want + `$`).MatchString(text) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("no %s in\n%s", want, text)
			}
		}
	}
	// Ten of the call, and the head of the audit log if it comes meanwhile.
	has(`ecs_mcp_proxy_spans_total{result="failed"} 1[01]`)
	if !strings.Contains(s.log(), "it answered 503") {
		t.Error("the log does not say that traces are dropped")
	}
	c.answer(0)
	operate(t, session, "ListClusters", map[string]any{})
	has(`ecs_mcp_proxy_spans_total{result="exported"} 1[01]`)
	c.Close()
	if text, isError := operate(t, session, "ListClusters", map[string]any{}); isError {
		t.Fatal(text)
	}
}

func TestWrapSendsWhatWaitsBeforeItEnds(t *testing.T) {
	t.Parallel()
	c := collect(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(fmt.Sprintf(`version: 1
aws: {region: us-east-1}
upstream: {command: [%q, demo-server]}
personas: {p: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/r"}}
principals: [{match: {kind: os-user}, persona: p}]
audit: {file: audit.jsonl}
traces: {endpoint: %q}
`, binary(t), c.URL+"/v1/traces")), 0o600))
	cmd := exec.Command(binary(t), "wrap", "--config", filepath.Join(dir, "config.yaml"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_EC2_METADATA_DISABLED=true"}
	cmd.Stdin = strings.NewReader(hello + "\n" + `{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n" +
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"ecs_resource_management","arguments":{"api_operation":"DeleteCluster","api_params":{"cluster":"x"}}}}` + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Refused by ecs-mcp-proxy") {
		t.Fatalf("%v %s", err, out)
	}
	for id, f := range c.calls(1) {
		if got := recorded(t, filepath.Join(dir, "audit.jsonl"))[id]; got[0] != "policy" || slices.Contains(f.stages, "identify") {
			t.Errorf("%s: %v %v", id, got, f.stages)
		}
	}
}

// Whoever collects traces holds what a log is found by whose end was cut off, even
// if few calls are followed.
func TestTheCollectorHoldsTheHeadOfTheAuditLog(t *testing.T) {
	t.Parallel()
	c := collect(t)
	s := serve(t, fmt.Sprintf("traces: {endpoint: %q, sample_percent: 1}\n", c.URL+"/v1/traces"))
	for range 3 {
		operate(t, s.connect(t, "ci"), "ListClusters", map[string]any{})
	}
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	<-s.ended
	head := c.head()
	file := filepath.Join(s.dir, "audit.jsonl")
	if out, err := exec.Command(binary(t), "audit", "verify", "--head", head, file).CombinedOutput(); err != nil {
		t.Fatalf("the head %q: %v %s", head, err, out)
	}
	b, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1], 0o600))
	if out, err := exec.Command(binary(t), "audit", "verify", "--head", head, file).CombinedOutput(); err == nil {
		t.Errorf("a log without its last line: %s", out)
	}
}
