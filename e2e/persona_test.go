//go:build e2e

package e2e

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// persona is one configuration of the proxy.
type persona struct {
	name               string
	identity, boundary string            // a built-in document, or a document
	unguarded          bool              // without guardrails
	settings           map[string]any    // of guardrails
	delivery           string            // of credentials; lease if empty
	environ            map[string]string // of the server, besides the usual
}

var (
	reader          = persona{name: "reader", identity: "read-only-monitoring", boundary: "region-and-production"}
	troubleshooting = persona{name: "troubleshooting", identity: "troubleshooting", boundary: "region-and-production"}
	deployment      = persona{name: "deployment", identity: "deployment", boundary: "region-and-production"}
	// everything may do all there is, so that only the catalogue decides what is lent:
	// what a guardrail refuses would not be compared.
	everything = persona{name: "everything", identity: allowEverything, unguarded: true}
)

const allowEverything = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`

func (p persona) role() string { return "arn:aws:iam::123456789012:role/mcp-" + p.name }

const factsRole = "arn:aws:iam::123456789012:role/mcp-facts"

// serverEnviron is what the server is configured with: nothing switched off
// that policy should decide, and no way out.
func serverEnviron() map[string]string {
	return map[string]string{
		"ALLOW_WRITE": "true", "ALLOW_SENSITIVE_DATA": "true",
		"FASTMCP_CHECK_FOR_UPDATES": "off", "FASTMCP_SHOW_SERVER_BANNER": "false",
		"HTTPS_PROXY": world.egress.url,
	}
}

func (p persona) serverEnviron() map[string]string {
	env := serverEnviron()
	maps.Copy(env, p.environ)
	return env
}

// configure writes the configuration file; JSON is YAML.
func (p persona) configure(t *testing.T, dir string) string {
	t.Helper()
	boundary := []string{}
	if p.boundary != "" {
		boundary = []string{p.document(t, dir, p.boundary)}
	}
	config := map[string]any{
		"version":     1,
		"aws":         map[string]string{"region": region, "endpoint": world.aws},
		"credentials": map[string]string{"delivery": cmp.Or(p.delivery, "lease")},
		"upstream": map[string]any{"server": "awslabs.ecs-mcp-server",
			"command": []string{world.python("ecs-mcp-server")}, "env": p.serverEnviron()},
		"personas": map[string]any{p.name: map[string]any{
			"identity": []string{p.document(t, dir, p.identity)}, "boundary": boundary, "mcp": []string{"default"}, "role": p.role(),
			"guardrails": p.guardrails(t)}},
		"principals": []any{map[string]any{"match": map[string]string{"kind": "os-user"}, "persona": p.name}},
		"facts":      map[string]string{"role": factsRole, "ttl": "10s"},
		"limits":     map[string]int{"message_bytes": 4 << 20},
		"audit":      map[string]string{"file": filepath.Join(dir, "audit.jsonl")},
	}
	b, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(dir, "config.yaml"), string(b))
}

// guardrails are the persona's settings of them: none, or every one off. They
// are asked for by name, so that a new one is off as well.
func (p persona) guardrails(t *testing.T) map[string]any {
	t.Helper()
	settings := map[string]any{}
	maps.Copy(settings, p.settings)
	if !p.unguarded {
		return settings
	}
	all, err := policy.Guardrails(nil).States()
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		settings[name] = "off"
	}
	return settings
}

// document returns what the configuration calls a document by.
func (p persona) document(t *testing.T, dir, document string) string {
	t.Helper()
	if document[0] != '{' {
		return document
	}
	return write(t, filepath.Join(dir, p.name+".json"), document)
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
