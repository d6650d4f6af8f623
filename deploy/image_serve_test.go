//go:build deploy

package deploy_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// bearer adds the client's token to every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// output is what a running container says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// The container serves with its own command line, under the roles as they are
// deployed: a health check, an allowed call and a refused one.
func TestTheImageServes(t *testing.T) {
	d := deploy(t, fromCloudFormation(t, "ecs", ""))
	d.AddService("shop", "checkout", map[string]string{"Environment": "production"})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	const secret = "a-token-that-is-long-enough-to-be-taken-as-one"
	dir := t.TempDir()
	config := fmt.Sprintf(`version: 1
aws: {region: %s, endpoint: %q}
upstream: {command: [/bin/ecs-mcp-proxy, demo-server]}
personas:
  read-only-monitoring: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::%s:role/ecs-mcp-read-only-monitoring"}
principals: [{match: {kind: token, id: ci}, persona: read-only-monitoring}]
listen: {address: %q, auth: {tokens: [{id: ci, file: ci.token}]}}
`, region, d.endpoint, account, address)
	for name, text := range map[string]string{"ecs-mcp-proxy.yaml": config, "ci.token": secret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	base := d.session(d.proxy)
	c := start(t)
	run := exec.Command("buildah", "run", "--isolation", "chroot", "--volume", dir+":/etc/ecs-mcp-proxy:ro",
		"--env", "AWS_ACCESS_KEY_ID="+*base.AccessKeyId, "--env", "AWS_SECRET_ACCESS_KEY="+*base.SecretAccessKey, "--env", "AWS_SESSION_TOKEN="+*base.SessionToken,
		c.name, "--", "/bin/ecs-mcp-proxy", "serve", "--config", "/etc/ecs-mcp-proxy/ecs-mcp-proxy.yaml")
	said := new(output)
	run.Stdout, run.Stderr, run.SysProcAttr = said, said, &syscall.SysProcAttr{Setpgid: true}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = run.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-run.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL)
			t.Error("the container does not end")
			<-ended
		}
		if t.Failed() {
			t.Log(said)
		}
	})
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said.String(), `"url": "http://`+address); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not serve")
		}
	}
	if got := c.run("health", "http://"+address+"/mcp", "--timeout", "1m"); got != "" {
		t.Errorf("health: %s", got)
	}

	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
		&mcp.StreamableClientTransport{Endpoint: "http://" + address + "/mcp", HTTPClient: &http.Client{Transport: bearer(secret)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	call := func(operation string, parameters map[string]any) (string, bool) {
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "ecs_resource_management", Arguments: map[string]any{"api_operation": operation, "api_params": parameters}})
		if err != nil {
			t.Fatal(err)
		}
		return result.Content[0].(*mcp.TextContent).Text, result.IsError
	}
	if text, isError := call("DescribeServices", map[string]any{"cluster": "shop", "services": []string{"checkout"}}); isError || !strings.Contains(text, "checkout") {
		t.Errorf("a read: %s", text)
	}
	if text, isError := call("DeleteService", map[string]any{"cluster": "shop", "service": "checkout"}); !isError || !strings.Contains(text, "Refused by ecs-mcp-proxy") {
		t.Errorf("a delete: %s", text)
	}
	if !d.HasService("shop", "checkout") {
		t.Error("the service is gone")
	}
	if sessions := d.Sessions(); sessions[len(sessions)-1].SourceIdentity == "" {
		t.Errorf("%+v", sessions)
	}
}
