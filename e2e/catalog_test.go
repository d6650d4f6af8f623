//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
)

const profile = "awslabs.ecs-mcp-server"

// installed is what introspect.py says of the server module.
type installed struct {
	Operations     []string `json:"operations"`
	InBotocore     []string `json:"in_botocore"`
	Actions        []string `json:"actions"`
	KnowledgeTools []string `json:"knowledge_tools"`
}

func introspect(t *testing.T) installed {
	t.Helper()
	cmd := exec.Command(world.python("python"), "introspect.py")
	cmd.Env, cmd.Stderr = []string{"AWS_CONFIG_FILE=/dev/null"}, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var i installed
	if err := json.Unmarshal(out, &i); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestCatalogueKnowsExactlyTheInstalledServer(t *testing.T) {
	known, err := catalog.Builtin(profile)
	if err != nil {
		t.Fatal(err)
	}
	module := introspect(t)
	listed := slices.Sorted(maps.Keys(openServer(t).tools(t)))

	// With egress the server lists the knowledge tools too, without it does not.
	tools := slices.Compact(slices.Sorted(slices.Values(append(listed, module.KnowledgeTools...))))
	same(t, "tool", tools, known.Tools())
	same(t, "operation of ecs_resource_management", module.Operations, known.Operations("ecs_resource_management"))
	same(t, "action of "+troubleshoot, module.Actions, known.Operations(troubleshoot))
}

func TestSamplesCallEveryOperationThatExists(t *testing.T) {
	module := introspect(t)
	existing := slices.DeleteFunc(module.Operations, func(o string) bool { return !slices.Contains(module.InBotocore, o) })
	var called []string
	for _, s := range samples {
		called = append(called, s.operation)
	}
	slices.Sort(called)
	same(t, "operation", existing, called)
}

// same names every difference.
func same(t *testing.T, what string, server, ours []string) {
	t.Helper()
	for _, name := range server {
		if !slices.Contains(ours, name) {
			t.Errorf("%s %s: the server has it, the catalogue or the samples do not", what, name)
		}
	}
	for _, name := range ours {
		if !slices.Contains(server, name) {
			t.Errorf("%s %s: the catalogue or the samples have it, the server does not", what, name)
		}
	}
}

// tools returns what the client is shown.
func (s *session) tools(t *testing.T) map[string]*mcp.Tool {
	t.Helper()
	all := map[string]*mcp.Tool{}
	for tool, err := range s.client.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		all[tool.Name] = tool
	}
	return all
}
