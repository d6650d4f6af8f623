package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws/managed"
)

// signedTo is a sidecar in front of the server that AWS manages, and that server.
// ci may use it, reader may not, and operator may use it and has a name of its own.
type signedTo struct {
	*served
	server *managed.Server
}

const (
	managedPersonas = `  managed: {identity: [managed-server], boundary: [region-and-production], role: "ROLE"}
`
	managedPrincipals = `  - {match: {kind: token, id: operator}, persona: managed}
  - {match: {kind: token, id: auditor}, persona: managed}
`
)

func serveSigned(t *testing.T, server func(*fakeaws.AWS) *managed.Server) *signedTo {
	t.Helper()
	aws := fakeaws.New(fakeaws.Config{})
	s := &signedTo{server: server(aws)}
	web := httptest.NewServer(s.server)
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	dir := t.TempDir()
	for _, id := range []string{"operator", "auditor"} {
		must(t, os.WriteFile(filepath.Join(dir, id+".token"), []byte(token(id)+"\n"), 0o600))
	}
	s.served = serveMore(t, more{aws: aws, personas: managedPersonas, principals: managedPrincipals,
		tokens:   fmt.Sprintf(", {id: operator, file: %q}, {id: auditor, file: %q}", filepath.Join(dir, "operator.token"), filepath.Join(dir, "auditor.token")),
		upstream: func(string) string { return fmt.Sprintf("{server: aws.ecs-mcp, urls: [{url: %q}]}", web.URL+"/mcp") },
		top:      "credentials: {delivery: sigv4}\n"})
	return s
}

// use calls a tool on a cluster and service of staging.
func use(t *testing.T, session *mcp.ClientSession, tool string) (text string, isError bool) {
	t.Helper()
	return useWith(t, session, tool, map[string]any{"cluster_name": "staging", "service_name": "checkout"})
}

func useWith(t *testing.T, session *mcp.ClientSession, tool string, arguments map[string]any) (text string, isError bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments, Meta: mcp.Meta{"AWS_REGION": "eu-west-1"}})
	must(t, err)
	return result.Content[0].(*mcp.TextContent).Text, result.IsError
}

var policyEnd = regexp.MustCompile(`"aws:CurrentTime":"[^"]+"`)

// scopes says for each key what two calls must have in common to share a session:
// who it is for, and what AWS lets it do but for the time.
func (s *signedTo) scopes() map[string]string {
	scopes := map[string]string{}
	for _, one := range s.aws.Sessions() {
		scopes[one.AccessKeyID] = fmt.Sprint(one.RoleARN, one.SourceIdentity, one.Tags, policyEnd.ReplaceAllString(one.Policy, ""))
	}
	return scopes
}

// judge looks at all that the server accepted: every request was signed with a
// grant, no session of MCP had two scopes, and the region was the proxy's word.
func (s *signedTo) judge(t *testing.T) (sessions int) {
	t.Helper()
	scopes, of := s.scopes(), map[string]string{}
	for _, r := range s.aws.Requests() {
		if _, known := scopes[r.AccessKeyID]; r.Service == managed.Service && !known {
			t.Errorf("%s was signed by %s, which is no grant", r.Action, r.AccessKeyID)
		}
	}
	for _, seen := range s.server.Seen() {
		scope := scopes[seen.AccessKeyID]
		if seen.Method != "" && seen.Region != "us-east-1" {
			t.Errorf("%s was sent for region %q", seen.Method, seen.Region)
		}
		if seen.Session == "" {
			continue
		}
		if before, ok := of[seen.Session]; ok && before != scope {
			t.Errorf("one session of MCP had two scopes:\n%s\n%s", before, scope)
		}
		of[seen.Session] = scope
	}
	return len(of)
}

func TestServeSignsForTheManagedServer(t *testing.T) {
	t.Parallel()
	s := serveSigned(t, managed.New)
	operator, auditor := s.connect(t, "operator"), s.connect(t, "auditor")

	tools, err := operator.ListTools(t.Context(), nil)
	must(t, err)
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	if want := "aws_knowledge_aws___search_documentation fetch_network_configuration fetch_service_events fetch_task_failures get_deployment_status"; strings.Join(names, " ") != want {
		t.Errorf("listed: %s\nwant:   %s", strings.Join(names, " "), want)
	}
	for _, tool := range []string{"fetch_service_events", "get_deployment_status", "fetch_task_failures"} {
		for _, session := range []*mcp.ClientSession{operator, auditor} {
			if text, isError := use(t, session, tool); isError {
				t.Errorf("%s: %s", tool, text)
			}
		}
	}
	if text, isError := useWith(t, operator, "aws_knowledge_aws___search_documentation", map[string]any{"search_phrase": "x"}); isError {
		t.Error(text)
	}
	// The call is allowed as what it says it is; what the server does beyond that
	// the grant does not cover.
	if text, isError := use(t, operator, "fetch_network_configuration"); !isError || !strings.Contains(text, "AccessDenied") || !strings.Contains(text, "ecs:DeleteService") {
		t.Errorf("the server deletes: %s", text)
	}
	// Refused here: the server is not asked.
	before := len(s.server.Seen())
	if text, isError := useWith(t, operator, "fetch_service_events", map[string]any{"cluster_name": "staging", "service_name": "*"}); !isError || !strings.Contains(text, "Refused") {
		t.Errorf("a wildcard: %s", text)
	}
	if now := len(s.server.Seen()); now != before {
		t.Errorf("the server got %d requests of a refused call", now-before)
	}
	if sessions := s.judge(t); sessions < 8 {
		t.Errorf("%d sessions; each scope has its own", sessions)
	}
	// Each decided call is signed with the key that is on its record, and AWS saw
	// its doings under that key alone.
	record, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	must(t, err)
	for _, seen := range s.server.Seen() {
		if !strings.Contains(string(record), seen.AccessKeyID) {
			t.Errorf("%s is on no record", seen.AccessKeyID)
		}
	}
	for _, session := range s.aws.Sessions() {
		if !strings.Contains(session.Policy, "ecs-mcp:UseMcp") || !strings.Contains(session.Policy, "DateGreaterThan") {
			t.Errorf("session policy: %s", session.Policy)
		}
	}
}

func TestServeDecidesOnTheUseOfTheManagedServer(t *testing.T) {
	t.Parallel()
	s := serveSigned(t, managed.New)
	response, body := s.ask(t, hello, "Authorization", "Bearer "+token("reader"), "Accept", "application/json, text/event-stream")
	for _, want := range []string{"the server cannot be asked", "ecs-mcp:UseMcp", "audit show"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s: the answer does not say %q: %s", response.Status, want, body)
		}
	}
	if seen := s.server.Seen(); len(seen) != 0 {
		t.Errorf("the server was asked: %+v", seen)
	}
	for _, session := range s.aws.Sessions() {
		t.Errorf("a session was lent: %s", session.Policy)
	}
}

// AWS ends a grant by its own clock. The proxy does not know, goes on with it, and
// says what AWS answers.
func TestServeSaysThatAWSDidNotAcceptARequest(t *testing.T) {
	t.Parallel()
	s := serveSigned(t, managed.New)
	operator := s.connect(t, "operator")
	if text, isError := use(t, operator, "get_deployment_status"); isError {
		t.Fatal(text)
	}
	s.aws.Advance(3 * time.Minute)
	if text, isError := use(t, operator, "get_deployment_status"); !isError || !strings.Contains(text, "AWS did not accept the request (status 403)") || !strings.Contains(text, "audit show") {
		t.Errorf("got %s", text)
	}
	record, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	must(t, err)
	if !strings.Contains(string(record), `"class":"upstream"`) || !strings.Contains(string(record), "AWS did not accept the request") {
		t.Errorf("the record does not say why: %s", record)
	}
	s.judge(t)
}

func TestServeKeepsASessionForCallsOfItsScope(t *testing.T) {
	t.Parallel()
	s := serveSigned(t, managed.New)
	operator := s.connect(t, "operator")
	for range 4 {
		if text, isError := use(t, operator, "get_deployment_status"); isError {
			t.Error(text)
		}
	}
	greetings := 0
	for _, seen := range s.server.Seen() {
		if seen.Method == "initialize" {
			greetings++
		}
	}
	if greetings != 2 { // what is relayed, and the calls
		t.Errorf("%d sessions for calls of one scope", greetings)
	}
	s.judge(t)
}

// In 2026-07-28 there are no sessions: every request stands for itself, and is
// signed for itself.
func TestServeSignsEachRequestThatStandsForItself(t *testing.T) {
	t.Parallel()
	s := serveSigned(t, managed.NewStateless)
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{},"AWS_REGION":"eu-west-1"}`
	say := func(id, method, params string, headers ...string) string {
		response, body := s.ask(t, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":{%s%s}}`, id, method, params, meta),
			append([]string{"Authorization", "Bearer " + token("operator"), "Accept", "application/json, text/event-stream", "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method}, headers...)...)
		if response.StatusCode != 200 {
			t.Errorf("%s: %s %s", method, response.Status, body)
		}
		return body
	}
	if body := say("1", "tools/list", ""); !strings.Contains(body, "fetch_service_events") || strings.Contains(body, "undocumented_tool") {
		t.Errorf("list: %s", body)
	}
	for id := range 2 {
		body := say(fmt.Sprint(id+2), "tools/call", `"name":"fetch_service_events","arguments":{"cluster_name":"staging","service_name":"checkout"},`, "Mcp-Name", "fetch_service_events")
		if !strings.Contains(body, "checkout") || strings.Contains(body, "isError\":true") {
			t.Errorf("call: %s", body)
		}
	}
	for _, seen := range s.server.Seen() {
		if seen.Method == "initialize" || seen.Session != "" {
			t.Errorf("%+v", seen)
		}
	}
	s.judge(t)
}
