//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

// docs/catalogue.md describes another public server: with that catalogue and that
// configuration, it does what is described, and nothing else.
func TestAnotherPublicServerWorksWithItsCatalogue(t *testing.T) {
	page, err := os.ReadFile("../docs/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented struct {
		Upstream struct {
			Server  string
			Command []string
		}
	}
	for _, block := range docstest.Blocks(string(page)) {
		if block.Kind == "yaml" && strings.HasPrefix(block.Text, "catalogs: [aws-safe-mcp.yaml]\n") {
			if err := yaml.Unmarshal([]byte(block.Text), &documented); err != nil {
				t.Fatal(err)
			}
		}
	}
	command := documented.Upstream.Command
	if len(command) < 5 || command[0] != "uvx" || command[3] != "aws-safe-mcp" {
		t.Fatalf("the page starts the server by %q", command)
	}
	example, err := filepath.Abs("../docs/examples/aws-safe-mcp.yaml")
	if err != nil {
		t.Fatal(err)
	}
	safe := write(t, filepath.Join(t.TempDir(), "safe.yaml"), "allowed_account_ids: [\"123456789012\"]\n")
	s := openChanged(t, reader, func(config map[string]any) {
		config["catalogs"] = []string{example}
		started := append([]string{filepath.Join(world.venv, "other", "bin", command[3])}, command[4:]...)
		started[len(started)-1] = safe
		config["upstream"] = map[string]any{"server": documented.Upstream.Server, "command": started}
	})
	tools := s.tools(t)
	if len(tools) != 3 || tools["get_ecs_service_summary"] == nil {
		t.Errorf("%d tools are listed, want the three of the catalogue: %v", len(tools), tools)
	}

	c := s.call(t, "get_ecs_service_summary", map[string]any{"cluster": "staging", "service": "web"})
	if c.Decision.Phase != audit.PhaseDecision || c.IsError || !strings.Contains(c.Text, `"desired_count"`) || !strings.Contains(c.Text, `"family"`) {
		t.Errorf("got (%s %s) %.400s", c.Decision.Class, c.Decision.Message, c.Text)
	}
	asked := map[string]int{}
	for _, r := range c.ByServer {
		asked[r.Operation]++
	}
	if len(asked) != 3 || asked["GetCallerIdentity"] == 0 || asked["DescribeServices"] != 1 || asked["DescribeTaskDefinition"] != 1 {
		t.Errorf("the server asked AWS for %v", asked)
	}
	signedByOwnGrant(t, "get_ecs_service_summary", c)
	lentAsRecorded(t, "get_ecs_service_summary", c)

	for name, arguments := range map[string]map[string]any{
		"list_ecs_services": {"cluster": "staging", "region": "eu-west-1"}, // an argument that the catalogue leaves out
		"list_sqs_queues":   {},                                            // a tool that it leaves out
	} {
		c := s.call(t, name, arguments)
		if c.Decision.Phase != audit.PhaseRefusal || len(c.ByServer) > 0 {
			t.Errorf("%s: got (%s %s) %.300s %v", name, c.Decision.Class, c.Decision.Message, c.Text, c.ByServer)
		}
	}
	if c := s.call(t, "list_ecs_services", map[string]any{"cluster": "staging"}); c.IsError || !strings.Contains(c.Text, "web") {
		t.Errorf("got (%s %s) %.300s", c.Decision.Class, c.Decision.Message, c.Text)
	}
}
