//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// The proxy's own identity: what the server must never see.
const (
	baseKey    = "AKIAE2EBASE000000000"
	baseSecret = "e2e-base-secret-access-key"
	baseToken  = "e2e-base-session-token"
)

// session is a client of the proxy, and the record of both.
type session struct {
	*process
	client  *mcp.ClientSession
	persona persona
	audit   string // file; "" without a proxy
	read    int    // bytes of the audit log that were read
}

// open starts the proxy in front of the server for one persona.
func open(t *testing.T, p persona) *session {
	t.Helper()
	s := launch(t, p)
	s.connect(t)
	return s
}

// launch starts the proxy and leaves the conversation to the test.
func launch(t *testing.T, p persona) *session {
	t.Helper()
	dir := t.TempDir()
	s := &session{persona: p, audit: filepath.Join(dir, "audit.jsonl")}
	var err error
	if s.process, err = start(dir, proxyEnviron(dir), world.binary, "wrap", "--config", p.configure(t, dir)); err != nil {
		t.Fatal(err)
	}
	closeAfter(t, s.process)
	return s
}

// proxyEnviron is the whole environment of the proxy: a home of its own, no
// path to a docker or an AWS command line, and the base identity.
func proxyEnviron(home string) []string {
	return []string{
		"PATH=" + world.python(""), "HOME=" + home,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_ACCESS_KEY_ID=" + baseKey, "AWS_SECRET_ACCESS_KEY=" + baseSecret, "AWS_SESSION_TOKEN=" + baseToken,
	}
}

// openServer starts the server alone, without the proxy.
func openServer(t *testing.T) *session {
	t.Helper()
	env := []string{"PATH=" + world.python(""), "HOME=" + t.TempDir(),
		"AWS_REGION=" + region, "AWS_ENDPOINT_URL=" + world.aws, "AWS_CONFIG_FILE=/dev/null",
		"AWS_ACCESS_KEY_ID=AKIAE2EDIRECT0000000", "AWS_SECRET_ACCESS_KEY=direct"}
	for name, value := range serverEnviron() {
		env = append(env, name+"="+value)
	}
	p, err := start(t.TempDir(), env, world.python("ecs-mcp-server"))
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, p)
	s := &session{process: p}
	s.connect(t)
	return s
}

// connect does the handshake with the go-sdk's client.
func (s *session) connect(t *testing.T) {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	if s.client, err = client.Connect(ctx, &mcp.IOTransport{Reader: s.out, Writer: s.in}, nil); err != nil {
		t.Fatalf("connect: %v\n%s", err, s.stderr.String())
	}
}

// called is what became of one tool call.
type called struct {
	Text    string // of the tool result
	IsError bool
	Err     error // JSON-RPC error instead of a tool result
	// Decision is the record of the decision or the refusal; Outcome is the
	// zero Record for a refusal.
	Decision, Outcome audit.Record
	// Requests are AWS requests made meanwhile, by whom they were made.
	ByServer, ByProxy []Request
}

// call calls a tool and waits for the whole record of it. Calls of a test are
// made one after the other, so that what is noted meanwhile belongs to it.
func (s *session) call(t *testing.T, tool string, arguments any) called {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	mark := world.recorder.Mark()
	result, err := s.client.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	c := called{Err: err}
	if err == nil {
		c.IsError, c.Text = result.IsError, text(result)
	} else if ctx.Err() != nil {
		t.Fatalf("call %s: no answer: %v\n%s", tool, err, s.stderr.String())
	}
	if s.audit != "" {
		c.Decision, c.Outcome = s.recorded(t)
	}
	for _, r := range world.recorder.Since(mark) {
		if strings.Contains(r.UserAgent, "aws-sdk-go-v2") {
			c.ByProxy = append(c.ByProxy, r)
		} else {
			c.ByServer = append(c.ByServer, r)
		}
	}
	// Not of tests that configure the proxy otherwise: they kill it, or its AWS is another.
	if c.Decision.Grant != nil && s.persona.name != "" {
		world.lent = append(world.lent, lending{s.persona, c})
	}
	return c
}

// operate calls ecs_resource_management.
func (s *session) operate(t *testing.T, operation string, params map[string]any) called {
	t.Helper()
	return s.call(t, "ecs_resource_management", map[string]any{"api_operation": operation, "api_params": params})
}

func text(result *mcp.CallToolResult) string {
	var all []string
	for _, c := range result.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			all = append(all, t.Text)
		}
	}
	return strings.Join(all, "\n")
}

// recorded waits for the records of one call: a refusal, or a decision with its outcome.
func (s *session) recorded(t *testing.T) (decision, outcome audit.Record) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		records, size, err := readAudit(s.audit, s.read)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			switch r.Phase {
			case audit.PhaseRefusal:
				s.read = size
				return r, outcome
			case audit.PhaseDecision:
				decision = r
			case audit.PhaseOutcome:
				if r.DecisionID != decision.DecisionID {
					t.Fatalf("outcome of %q after decision %q", r.DecisionID, decision.DecisionID)
				}
				s.read = size
				return decision, r
			}
		}
	}
	t.Fatalf("no complete record of the call within %s", patience)
	return decision, outcome
}

// readAudit reads the whole lines after offset and returns where they end.
func readAudit(name string, offset int) (records []audit.Record, end int, err error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, offset, nil
	}
	if err != nil {
		return nil, offset, err
	}
	end = strings.LastIndexByte(string(b), '\n') + 1
	for line := range strings.Lines(string(b[min(offset, end):end])) {
		var r audit.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, offset, fmt.Errorf("read audit line: %w", err)
		}
		records = append(records, r)
	}
	return records, end, nil
}
