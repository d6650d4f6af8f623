//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seen is what client.py prints.
type seen struct {
	Server  string   `json:"server"`
	Version string   `json:"version"`
	Tools   []string `json:"tools"`
	Prompts int      `json:"prompts"`
	Results []struct {
		IsError bool   `json:"is_error"`
		Text    string `json:"text"`
	} `json:"results"`
}

// results holds what the three calls gave to what they must: a list, a refusal, and
// guidance without AWS.
func (s seen) results(t *testing.T) {
	t.Helper()
	if len(s.Results) != 3 {
		t.Fatalf("%d results, want 3", len(s.Results))
	}
	if r := s.Results[0]; r.IsError || !strings.Contains(r.Text, "cluster/staging") {
		t.Errorf("list: %t %.200q", r.IsError, r.Text)
	}
	if r := s.Results[1]; !r.IsError || !strings.Contains(r.Text, "Refused by ecs-mcp-proxy") {
		t.Errorf("delete: %t %.200q", r.IsError, r.Text)
	}
	if r := s.Results[2]; r.IsError || !strings.Contains(r.Text, "container_port") {
		t.Errorf("guidance: %t %.200q", r.IsError, r.Text)
	}
}

// The other tests are the go-sdk's client; this is the client that most agents
// are built on, with both of its handshakes.
func TestOfficialPythonClientWorksThroughTheProxy(t *testing.T) {
	const calls = `[
		["ecs_resource_management", {"api_operation": "ListClusters", "api_params": {}}],
		["ecs_resource_management", {"api_operation": "DeleteCluster", "api_params": {"cluster": "production"}}],
		["containerize_app", {"app_path": "/tmp", "port": 80}]
	]`
	for _, mode := range []string{"legacy", "auto"} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, world.python("python"), "client.py", mode, world.binary, "wrap", "--config", reader.configure(t, dir))
			var stderr bytes.Buffer
			cmd.Env, cmd.Stdin, cmd.Stderr = proxyEnviron(dir), strings.NewReader(calls), &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			var got seen
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if got.Server != "AWS ECS MCP Server" || got.Prompts == 0 || !slices.Contains(got.Tools, "ecs_resource_management") || slices.Contains(got.Tools, "delete_app") {
				t.Errorf("server %q with %d prompts and tools %v", got.Server, got.Prompts, got.Tools)
			}
			got.results(t)
			records, _, err := readAudit(filepath.Join(dir, "audit.jsonl"), 0)
			if err != nil || len(records) != 5 {
				t.Errorf("%d records (%v), want 5: two decisions with outcomes and one refusal", len(records), err)
			}
		})
	}
}
