//go:build deploy

package deploy_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// bearer adds the client's token to every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

const secret = "a-token-that-is-long-enough-to-be-taken-as-one"

// serve runs serve in the container until the test ends, with a configuration
// and whatever else the options mount or set.
func (c *container) serve(address, config string, options ...string) {
	c.t.Helper()
	dir := c.t.TempDir()
	for name, text := range map[string]string{"ecs-mcp-proxy.yaml": config, "ci.token": secret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		c.t.Fatal(err)
	}
	arguments := append([]string{"run", "--isolation", "chroot", "--volume", dir + ":/etc/ecs-mcp-proxy:ro"}, options...)
	run := exec.Command("buildah", append(arguments, c.name, "--", "/bin/ecs-mcp-proxy", "serve", "--config", "/etc/ecs-mcp-proxy/ecs-mcp-proxy.yaml")...)
	said := new(testkit.Output)
	run.Stdout, run.Stderr, run.SysProcAttr = said, said, &syscall.SysProcAttr{Setpgid: true}
	if err := run.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = run.Wait() }()
	c.t.Cleanup(func() {
		_ = syscall.Kill(-run.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL)
			c.t.Error("the container does not end")
			<-ended
		}
		if c.t.Failed() {
			c.t.Log(said)
		}
	})
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said.String(), `"url": "http://`+address); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatal("it does not serve")
		}
	}
}

// base are the credentials of the proxy's role, as options of serve.
func (d *deployed) base() []string {
	c := d.session(d.proxy)
	return []string{"--env", "AWS_ACCESS_KEY_ID=" + *c.AccessKeyId, "--env", "AWS_SECRET_ACCESS_KEY=" + *c.SecretAccessKey, "--env", "AWS_SESSION_TOKEN=" + *c.SessionToken}
}

// operate makes calls as a client with the token.
func operate(t *testing.T, address string) func(operation string, parameters map[string]any) (text string, isError bool) {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
		&mcp.StreamableClientTransport{Endpoint: "http://" + address + "/mcp", HTTPClient: &http.Client{Transport: bearer(secret)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return func(operation string, parameters map[string]any) (string, bool) {
		t.Helper()
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "ecs_resource_management", Arguments: map[string]any{"api_operation": operation, "api_params": parameters}})
		if err != nil {
			t.Fatal(err)
		}
		return result.Content[0].(*mcp.TextContent).Text, result.IsError
	}
}

// configuration serves the read-only persona to whoever has the token.
func (d *deployed) configuration(address, upstream, credentials string) string {
	return fmt.Sprintf(`version: 1
aws: {region: %s, endpoint: %q}
upstream: %s
credentials: %s
personas:
  read-only-monitoring: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::%s:role/ecs-mcp-read-only-monitoring"}
principals: [{match: {kind: token, id: ci}, persona: read-only-monitoring}]
listen: {address: %q, auth: {tokens: [{id: ci, file: ci.token}]}}
`, region, d.endpoint, upstream, credentials, account, address)
}

// The container serves with its own command line, under the roles as they are
// deployed: a health check, an allowed call and a refused one.
func TestTheImageServes(t *testing.T) {
	d := deploy(t, fromCloudFormation(t, "ecs", ""))
	d.AddService("shop", "checkout", map[string]string{"Environment": "production"})
	c, address := start(t), testkit.FreeAddress(t)
	c.serve(address, d.configuration(address, "{command: [/bin/ecs-mcp-proxy, demo-server]}", "{delivery: lease}"), d.base()...)
	if got := c.run("health", "http://"+address+"/mcp", "--timeout", "1m"); got != "" {
		t.Errorf("health: %s", got)
	}
	call := operate(t, address)
	if text, isError := call("DescribeServices", map[string]any{"cluster": "shop", "services": []string{"checkout"}}); isError || !strings.Contains(text, "checkout") {
		t.Errorf("a read: %s", text)
	}
	if text, isError := call("DeleteService", map[string]any{"cluster": "shop", "service": "checkout"}); !isError || !strings.Contains(text, "Refused by ecs-mcp-proxy") {
		t.Errorf("a delete: %s", text)
	}
	if !d.HasService("shop", "checkout") {
		t.Error("the service is gone")
	}
}

// Two containers of different users share the network and a directory, as the
// task definition, the pods and Compose have it: the server finds its token by
// its group, and with it the lease of a call. It is this image's demo server,
// behind a second serve that lends nothing and so leaves it the way to credentials.
func TestTwoContainersShareATokenAndNothingElse(t *testing.T) {
	d := deploy(t, fromCloudFormation(t, "ecs", ""))
	d.AddService("shop", "checkout", nil)
	lease := t.TempDir() // at a path that is no volume of the image: buildah prefers those
	if err := errors.Join(os.Chown(lease, 65532, 65532), os.Chmod(lease, 0o750)); err != nil {
		t.Fatal(err)
	}
	proxyAt, serverAt, credentialsAt := testkit.FreeAddress(t), testkit.FreeAddress(t), testkit.FreeAddress(t)

	proxy, server := start(t), start(t)
	proxy.serve(proxyAt, d.configuration(proxyAt, fmt.Sprintf(`{urls: [{url: "http://%s/mcp", credentials: {listen: %q, token_file: /lease/server.token, token_group: 65532}}]}`,
		serverAt, credentialsAt), "{delivery: lease}"), append(d.base(), "--volume", lease+":/lease")...)
	// What the server demands of its clients is nothing: its proxy is on loopback.
	open := strings.Replace(d.configuration(serverAt, "{command: [/bin/ecs-mcp-proxy, demo-server]}", "{delivery: none}"), "kind: token, id: ci", "kind: anonymous, id: proxy", 1)
	open = strings.Replace(open, "tokens: [{id: ci, file: ci.token}]", "anonymous: proxy", 1)
	server.serve(serverAt, open, "--user", "65533:65532", "--volume", lease+":/lease:ro", "--env", "XDG_STATE_HOME=/tmp",
		"--env", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://"+credentialsAt+"/credentials", "--env", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/lease/server.token")

	if info, err := os.Stat(filepath.Join(lease, "server.token")); err != nil || info.Mode().Perm() != 0o640 {
		t.Fatalf("the token: %v, %v", info, err)
	}
	call := operate(t, proxyAt)
	if text, isError := call("DescribeServices", map[string]any{"cluster": "shop", "services": []string{"checkout"}}); isError || !strings.Contains(text, "checkout") {
		t.Errorf("a read: %s", text)
	}
	sessions := d.Sessions()
	lent := sessions[len(sessions)-1]
	found := false
	for _, r := range d.Requests() {
		found = found || r.Action == "ecs:DescribeServices" && r.AccessKeyID == lent.AccessKeyID && strings.HasPrefix(lent.SourceIdentity, "ci-")
	}
	if !found {
		t.Errorf("no request was signed with what was lent to %q: %+v", lent.SourceIdentity, d.Requests())
	}
}
