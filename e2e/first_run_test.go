//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

// docs/first-run.md, with the client that it names.
func TestTheFirstRunWithItsOwnClient(t *testing.T) {
	page, err := os.ReadFile("../docs/first-run.md")
	if err != nil {
		t.Fatal(err)
	}
	docstest.FirstRun(t, string(page), filepath.Dir(world.binary)+":"+filepath.Dir(world.python("fastmcp"))+":/usr/bin:/bin")
}

// Step 6 of the page, with the real server: what init writes is enough for a client
// that knows nothing but its own file.
func TestWhatInitWritesStartsTheRealServer(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	trap, err := serve(&egress{}) // not the suite's own: client and server ask for updates of theirs
	if err != nil {
		t.Fatal(err)
	}
	keys := write(t, filepath.Join(home, "credentials"), "[work]\naws_access_key_id = "+baseKey+"\naws_secret_access_key = "+baseSecret+"\naws_session_token = "+baseToken+"\n")
	shell := docstest.NewShell(dir, home, "PATH="+filepath.Dir(world.binary)+":"+filepath.Dir(world.python("fastmcp"))+":/usr/bin:/bin", "HOME="+home, "COLUMNS=1000",
		"AWS_PROFILE=work", "AWS_SHARED_CREDENTIALS_FILE="+keys, "AWS_CONFIG_FILE=/dev/null", "HTTPS_PROXY="+trap)
	for _, step := range []struct{ command, want string }{
		{"ecs-mcp-proxy init --region " + region + " --role " + reader.role() + " --endpoint " + world.aws + " --command ecs-mcp-server --client claude-code > .mcp.json", "Claude Code: .mcp.json"},
		{"sed -i 's#env: {#env: {HTTPS_PROXY: \"" + trap + "\", #' ecs-mcp-proxy.yaml", ""}, // no way out of the test
		{"ecs-mcp-proxy doctor --config ecs-mcp-proxy.yaml", "✓ server: ready after"},
		{`fastmcp call .mcp.json ecs_resource_management '{"api_operation": "DescribeServices", "api_params": {"cluster": "staging", "services": ["web"]}}'`, `"serviceName"`},
		{`fastmcp call .mcp.json ecs_resource_management '{"api_operation": "DeleteService", "api_params": {"cluster": "staging", "service": "web"}}'`, "Refused by ecs-mcp-proxy"},
	} {
		output, code, err := shell.Run(step.command)
		if err != nil {
			t.Fatal(err)
		}
		if refused := strings.HasPrefix(step.want, "Refused"); (code != 0) != refused || !strings.Contains(output, step.want) {
			t.Fatalf("$ %s\nended with %d, want %q:\n%s", step.command, code, step.want, output)
		}
	}
}
