package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// binary is this test binary under the program's name, by which it is the program.
func binary(t *testing.T) string {
	t.Helper()
	self := binaryFile(t)
	link := filepath.Join(t.TempDir(), "ecs-mcp-proxy")
	must(t, os.Symlink(self, link))
	return link
}

func binaryFile(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	return self
}

// served is a running sidecar.
type served struct {
	cmd *exec.Cmd
	url string
	dir string
	aws *fakeaws.AWS

	stderr testkit.Output
	ended  chan struct{}
}

func (s *served) log() string { return s.stderr.String() }

// more is configuration beyond what serve writes: lines of a block, indented as there.
type more struct {
	personas, principals string
	auth, listen         string // of listen.auth, in flow style; of listen
	tokens               string // of listen.auth.tokens, likewise
	top                  string
	upstream             func(self string) string // in the place of the demo's server
	args                 []string
	aws                  *fakeaws.AWS // nil for a new one
}

// serve starts a sidecar in front of the demo's server, with two users: ci, who
// may deploy, and reader. extra is more configuration.
func serve(t *testing.T, extra string) *served { return serveMore(t, more{top: extra}) }

// serveWith is serve in front of another upstream.
func serveWith(t *testing.T, extra string, upstream func(self string) string) *served {
	return serveMore(t, more{top: extra, upstream: upstream})
}

func serveMore(t *testing.T, more more) *served {
	t.Helper()
	s := &served{dir: t.TempDir(), aws: more.aws, ended: make(chan struct{})}
	if s.aws == nil {
		s.aws = fakeaws.New(fakeaws.Config{})
	}
	endpoint, err := s.aws.Start()
	must(t, err)
	key, err := s.aws.AddUser("proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:*","ecs:Describe*"],"Resource":"*"}]}`)
	must(t, err)
	role, err := s.aws.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
	must(t, err)
	for _, environment := range []string{"staging", "production"} {
		s.aws.AddCluster(environment, map[string]string{"Environment": environment})
		s.aws.AddService(environment, "checkout", map[string]string{"Environment": environment})
	}
	self := binary(t)
	for _, id := range []string{"ci", "reader"} {
		must(t, os.WriteFile(filepath.Join(s.dir, id+".token"), []byte(token(id)+"\n"), 0o600))
	}
	if more.upstream == nil {
		more.upstream = func(self string) string { return fmt.Sprintf("{command: [%q, demo-server]}", self) }
	}
	config := fmt.Sprintf(`version: 1
aws: {region: us-east-1, endpoint: %q}
upstream: %s
personas:
  deployer: {identity: [deployment], boundary: [region-and-production], role: %q}
  reader: {identity: [read-only-monitoring], boundary: [region-and-production], role: %q}
%sprincipals:
  - {match: {kind: token, id: ci}, persona: deployer}
  - {match: {kind: token, id: reader}, persona: reader}
%saudit: {file: audit.jsonl}
listen:
  address: 127.0.0.1:0
  auth: {tokens: [{id: ci, file: ci.token}, {id: reader, file: reader.token}%s]%s}
%s%s`, endpoint, more.upstream(self), role, role, strings.ReplaceAll(more.personas, "ROLE", role), more.principals, more.tokens, more.auth, more.listen, more.top)
	must(t, os.WriteFile(filepath.Join(s.dir, "config.yaml"), []byte(config), 0o600))

	t.Cleanup(func() {
		s.aws.Close()
		for _, v := range s.aws.Violations() {
			t.Errorf("AWS saw a violation: %s", v)
		}
	})
	s.start(t, self, more.args, "AWS_ACCESS_KEY_ID="+key.ID, "AWS_SECRET_ACCESS_KEY="+key.Secret)
	return s
}

// start starts serve with the configuration in its directory and waits until it
// says where.
func (s *served) start(t *testing.T, self string, args []string, environ ...string) {
	t.Helper()
	s.cmd = exec.Command(self, append([]string{"serve", "--config", filepath.Join(s.dir, "config.yaml")}, args...)...)
	s.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}, environ...)
	s.cmd.Stderr = &s.stderr
	must(t, s.cmd.Start())
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.ended:
		case <-time.After(time.Minute):
			_ = s.cmd.Process.Kill()
			t.Error("it did not end")
		}
		if t.Failed() {
			t.Log(s.log())
		}
	})
	where := regexp.MustCompile(`"url": "(https?://[^"]+)"`)
	for deadline := time.Now().Add(time.Minute); s.url == ""; time.Sleep(20 * time.Millisecond) {
		if found := where.FindStringSubmatch(s.log()); found != nil {
			s.url = found[1]
		}
		select {
		case <-s.ended:
			t.Fatalf("it ended: %s", s.log())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not serve: %s", s.log())
		}
	}
}

func token(id string) string { return id + strings.Repeat("-token", 8) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bearer adds a user's token to every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// connect is a session of the go-sdk's client.
func (s *served) connect(t *testing.T, id string) *mcp.ClientSession {
	t.Helper()
	return s.connectBy(t, bearer(token(id)))
}

// connectBy is a session of a client that shows itself in a way of its own.
func (s *served) connectBy(t *testing.T, by http.RoundTripper) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: s.url, HTTPClient: &http.Client{Transport: by}}, nil)
	must(t, err)
	t.Cleanup(func() { session.Close() })
	return session
}

func operate(t *testing.T, session *mcp.ClientSession, operation string, params map[string]any) (text string, isError bool) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "ecs_resource_management", Arguments: map[string]any{"api_operation": operation, "api_params": params}})
	must(t, err)
	return result.Content[0].(*mcp.TextContent).Text, result.IsError
}

func TestServeGivesEachPrincipalItsOwnPersona(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	ci, reader := s.connect(t, "ci"), s.connect(t, "reader")
	staging := map[string]any{"cluster": "staging", "service": "checkout"}

	tools, err := reader.ListTools(t.Context(), nil)
	must(t, err)
	for _, tool := range tools.Tools {
		if tool.Name == "undocumented_tool" {
			t.Error("a tool that no catalogue describes is listed")
		}
	}
	if text, isError := operate(t, reader, "DescribeServices", map[string]any{"cluster": "staging", "services": []string{"checkout"}}); isError || !strings.Contains(text, "checkout") {
		t.Errorf("the reader reads: %s", text)
	}
	if text, isError := operate(t, reader, "DeleteService", staging); !isError || !strings.Contains(text, "Refused by ecs-mcp-proxy") {
		t.Errorf("the reader deletes: %s", text)
	}
	if text, isError := operate(t, ci, "DeleteService", map[string]any{"cluster": "production", "service": "checkout"}); !isError {
		t.Errorf("ci deletes in production: %s", text)
	}
	if text, isError := operate(t, ci, "UpdateService", map[string]any{"cluster": "staging", "service": "checkout", "desiredCount": 2}); isError {
		t.Errorf("ci updates: %s", text)
	}
	for _, session := range s.aws.Sessions() {
		if !strings.HasPrefix(session.SourceIdentity, "ci-") && !strings.HasPrefix(session.SourceIdentity, "reader-") {
			t.Errorf("session of %s", session.SourceIdentity)
		}
	}
	record, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	must(t, err)
	for _, want := range []string{`"requested_by":"token/ci"`, `"requested_by":"token/reader"`} {
		if !strings.Contains(string(record), want) {
			t.Errorf("the record lacks %s", want)
		}
	}
	for _, secret := range []string{token("ci"), token("reader")} {
		if strings.Contains(string(record), secret) || strings.Contains(s.log(), secret) {
			t.Error("a token is in the record or the log")
		}
	}
}

func TestServeLetsNobodyInWithoutAToken(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	hello := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	for name, header := range map[string]string{"none": "", "another": "Bearer " + token("mallory"), "a prefix": "Bearer " + token("ci")[:20], "another scheme": "Basic " + token("ci")} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.url, strings.NewReader(hello))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		response, err := http.DefaultClient.Do(r)
		must(t, err)
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized || response.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%s: %s %s", name, response.Status, body)
		}
	}
}

func TestServeEndsWhatIsInProgressWhenItIsTold(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	session := s.connect(t, "ci")
	operate(t, session, "ListClusters", map[string]any{})
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		t.Fatal("it did not end")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestServeNeverOpensThePortWithAPolicyThatDoesNotCompile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "bad.rego"), []byte("package x\n\nimport rego.v1\n\nallow if {"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(`version: 1
aws: {region: us-east-1}
upstream: {command: [cat]}
personas: {p: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/r"}}
principals: [{match: {kind: anonymous}, persona: p}]
policy: {paths: [bad.rego]}
audit: {file: audit.jsonl}
listen: {address: "127.0.0.1:0", auth: {anonymous: dev}}
`), 0o600))
	cmd := exec.Command(binary(t), "serve", "--config", filepath.Join(dir, "config.yaml"))
	cmd.Env = []string{"HOME=" + dir}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "bad.rego") || strings.Contains(string(out), "serving") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestServeSaysWhoIsLetInAndRefusedAll(t *testing.T) {
	s := serveMore(t, more{auth: ", anonymous: guest"})
	if said := s.log(); !strings.Contains(said, `is refused all it asks`) || !strings.Contains(said, `add - {match: {kind: anonymous, id: guest}, persona: NAME}`) {
		t.Errorf("it says %s", said)
	}
	if known := serve(t, ""); strings.Contains(known.log(), "is refused all it asks") {
		t.Errorf("it says of clients with personas: %s", known.log())
	}
}
