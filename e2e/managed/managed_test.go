//go:build e2e

package managed

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws/managed"
)

// patience is how long anything here may take: Python starts anew for each call.
const patience = 3 * time.Minute

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a fake account with its managed server, and the proxy's configuration.
type world struct {
	aws            *fakeaws.AWS
	server         *managed.Server
	dir            string
	environ        []string
	binary, config string
}

func newWorld(t *testing.T, identity string) *world {
	t.Helper()
	binary, venv := os.Getenv("ECSMCP_E2E_BINARY"), os.Getenv("ECSMCP_E2E_MANAGED")
	if binary == "" || venv == "" {
		t.Fatal("ECSMCP_E2E_BINARY and ECSMCP_E2E_MANAGED are not set: run `make e2e`")
	}
	w := &world{aws: fakeaws.New(fakeaws.Config{}), dir: t.TempDir(), binary: binary}
	w.server = managed.New(w.aws)
	web := httptest.NewServer(w.server)
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	endpoint, err := w.aws.Start()
	check(t, err)
	t.Cleanup(func() { w.aws.Close() })
	key, err := w.aws.AddUser("proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:*","ecs:Describe*"],"Resource":"*"}]}`)
	check(t, err)
	role, err := w.aws.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
	check(t, err)
	w.aws.AddCluster("staging", nil)
	w.aws.AddService("staging", "checkout", nil)
	w.config = filepath.Join(w.dir, "config.yaml")
	check(t, os.WriteFile(w.config, fmt.Appendf(nil, `version: 1
aws: {region: us-east-1, endpoint: %q}
upstream:
  server: aws.ecs-mcp
  command: [%q, %q, --service, ecs-mcp, --region, us-east-1]
personas:
  user: {identity: [%s], boundary: [region-and-production], role: %q}
principals: [{match: {kind: os-user}, persona: user}]
credentials: {delivery: process}
limits: {call_timeout: 3m}
audit: {file: audit.jsonl}
`, endpoint, filepath.Join(venv, "bin", "mcp-proxy-for-aws"), web.URL+"/mcp", identity, role), 0o600))
	w.environ = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + key.Secret,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"}
	return w
}

// connect starts the proxy and does the handshake.
func (w *world) connect(t *testing.T) (*mcp.ClientSession, error) {
	t.Helper()
	cmd := exec.Command(w.binary, "wrap", "--config", w.config)
	cmd.Env, cmd.Dir = w.environ, w.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: cmd}, nil)
	t.Cleanup(func() {
		if session != nil {
			session.Close()
		}
		if t.Failed() {
			t.Log(stderr.String())
		}
	})
	return session, err
}

func (w *world) call(t *testing.T, session *mcp.ClientSession, tool string) *mcp.CallToolResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: map[string]any{"cluster_name": "staging", "service_name": "checkout"},
		Meta: mcp.Meta{"AWS_REGION": "eu-west-1"}})
	check(t, err)
	return result
}

func text(result *mcp.CallToolResult) string {
	return result.Content[0].(*mcp.TextContent).Text
}

func (w *world) records(t *testing.T) (all []audit.Record) {
	t.Helper()
	f, err := os.Open(filepath.Join(w.dir, "audit.jsonl"))
	check(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r audit.Record
		check(t, json.Unmarshal(lines.Bytes(), &r))
		all = append(all, r)
	}
	return all
}

var policyEnd = regexp.MustCompile(`"aws:CurrentTime":"[^"]+"`)

func TestMCPProxyForAWSSignsWithTheGrantOfItsCall(t *testing.T) {
	w := newWorld(t, "managed-server")
	session, err := w.connect(t)
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tools, err := session.ListTools(ctx, nil)
	check(t, err)
	if len(tools.Tools) != 5 { // of the six that the server has, one is in no catalogue
		t.Errorf("%d tools are listed", len(tools.Tools))
	}
	calls := []string{"get_deployment_status", "fetch_service_events", "fetch_task_failures"}
	for _, tool := range calls {
		if result := w.call(t, session, tool); result.IsError {
			t.Errorf("%s: %s", tool, text(result))
		}
	}
	// More than the call said, so more than AWS lets its grant do.
	if result := w.call(t, session, "fetch_network_configuration"); !result.IsError || !strings.Contains(text(result), "AccessDenied") {
		t.Errorf("the server deletes: %s", text(result))
	}

	of := map[string]string{} // the tool whose grant a key was; initialize for what is relayed
	for _, r := range w.records(t) {
		if r.Grant != nil {
			of[r.Grant.AccessKeyID] = r.Input.Tool
			if r.Input.Method == "initialize" {
				of[r.Grant.AccessKeyID] = r.Input.Method
			}
		}
	}
	scopes := map[string]string{}
	for _, one := range w.aws.Sessions() {
		scopes[one.AccessKeyID] = fmt.Sprint(one.SourceIdentity, one.Tags, policyEnd.ReplaceAllString(one.Policy, ""))
	}
	signed, sessions := map[string]bool{}, map[string]string{}
	for _, r := range w.aws.Requests() {
		if r.Service == managed.Service && scopes[r.AccessKeyID] == "" {
			t.Errorf("%s was signed by %s, which is no grant", r.Action, r.AccessKeyID)
		}
	}
	for _, seen := range w.server.Seen() {
		what, known := of[seen.AccessKeyID]
		if !known {
			t.Errorf("%s %s was signed by %s, which is on no record", seen.HTTPMethod, seen.Method, seen.AccessKeyID)
		}
		if seen.Method == "tools/call" {
			signed[what] = true
		}
		if seen.Method == "tools/call" && what == "initialize" {
			t.Error("a call was signed with the grant for what is relayed")
		}
		if seen.Method == "tools/call" && seen.Region != "us-east-1" {
			t.Errorf("%s was sent for region %q", seen.Method, seen.Region)
		}
		if before, ok := sessions[seen.Session]; ok && seen.Session != "" && before != scopes[seen.AccessKeyID] {
			t.Errorf("one session of MCP had two scopes:\n%s\n%s", before, scopes[seen.AccessKeyID])
		}
		sessions[seen.Session] = scopes[seen.AccessKeyID]
	}
	for _, tool := range append(calls, "fetch_network_configuration") {
		if !signed[tool] {
			t.Errorf("no call was signed with the grant of %s", tool)
		}
	}
}

func TestMCPProxyForAWSIsLentNothingForWhoMayNotUseTheServer(t *testing.T) {
	w := newWorld(t, "read-only-monitoring")
	if _, err := w.connect(t); err == nil {
		t.Error("the session was opened")
	}
	refused := false
	for _, r := range w.records(t) {
		refused = refused || r.Phase == audit.PhaseRefusal && r.Class == "policy" && r.Input.Method == "initialize" && strings.Contains(r.Message, "ecs-mcp:UseMcp")
	}
	if !refused {
		t.Error("no refusal is on record") // it was another reason
	}
	if seen := w.server.Seen(); len(seen) > 0 {
		t.Errorf("the server was asked: %+v", seen)
	}
	if lent := w.aws.Sessions(); len(lent) > 0 {
		t.Errorf("something was lent: %s", lent[0].Policy)
	}
}
