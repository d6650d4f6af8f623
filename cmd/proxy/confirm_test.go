package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// careful is a sidecar whose anonymous clients, and whose user by wrap, must have
// changes confirmed.
func careful(t *testing.T, timeout string) *served {
	t.Helper()
	return serveMore(t, more{
		personas:   "  careful: {identity: [deployment], boundary: [region-and-production], role: ROLE, guardrails: {confirm: {values: [staging]}}}\n",
		principals: "  - {match: {kind: anonymous}, persona: careful}\n  - {match: {kind: os-user}, persona: careful}\n",
		auth:       ", anonymous: somebody",
		top:        fmt.Sprintf("confirm: {timeout: %s}\n", timeout),
	})
}

// user is what a client's user does when asked.
type user func(ctx context.Context, text string) (*mcp.ElicitResult, error)

func says(action string) user {
	return func(context.Context, string) (*mcp.ElicitResult, error) {
		return &mcp.ElicitResult{Action: action}, nil
	}
}

// sit is a session of the go-sdk's client in front of which a user sits; nil: it
// cannot ask.
func (s *served) sit(t *testing.T, by, version string, u user) *mcp.ClientSession {
	t.Helper()
	var options mcp.ClientOptions
	if u != nil {
		options.ElicitationHandler = func(ctx context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return u(ctx, r.Params.Message)
		}
	}
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: s.url}
	if by == "wrap" {
		cmd := exec.Command(s.cmd.Path, "wrap", "--config", filepath.Join(s.dir, "config.yaml"), "--", s.cmd.Path, "demo-server")
		cmd.Env, cmd.Stderr = s.cmd.Env, &s.stderr
		transport = &mcp.CommandTransport{Command: cmd}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &options).Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	must(t, err)
	t.Cleanup(func() { session.Close() })
	if got := session.InitializeResult().ProtocolVersion; got != version {
		t.Fatalf("the session speaks %s", got)
	}
	return session
}

// records are those of the sidecar's log, and of wrap's.
func (s *served) records(t *testing.T) (all []audit.Record) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	must(t, err)
	for line := range strings.Lines(string(b)) {
		var r audit.Record
		must(t, json.Unmarshal([]byte(line), &r))
		all = append(all, r)
	}
	return all
}

func change(t *testing.T, session *mcp.ClientSession, count int) (text string, isError bool) {
	t.Helper()
	return operate(t, session, "UpdateService", map[string]any{"cluster": "staging", "service": "checkout", "desiredCount": count})
}

// Real clients of each era, by HTTP and by stdio: a change goes ahead when the user
// agrees, and else not.
func TestTheClientsUserIsAsked(t *testing.T) {
	t.Parallel()
	s := careful(t, "2m")
	count := 2 // each time another: who declined is not asked the same again at once
	for _, by := range []string{"serve", "wrap"} {
		for _, version := range []string{"2026-07-28", "2025-11-25", "2025-06-18"} {
			for _, tt := range []struct {
				name   string
				user   user
				answer string
				told   string
			}{
				{"agrees", says("accept"), "accept", ""},
				{"declines", says("decline"), "decline", "the user was asked and declined"},
				{"dismisses it", says("cancel"), "cancel", "chose neither yes nor no"},
				{"cannot be asked", nil, "", "this client cannot ask"},
			} {
				t.Run(by+" "+version+" "+tt.name, func(t *testing.T) {
					var asked atomic.Int32
					u := tt.user
					if u != nil {
						u = func(ctx context.Context, text string) (*mcp.ElicitResult, error) {
							asked.Add(1)
							if !strings.Contains(text, "- update service service/staging/checkout (ecs:UpdateService)") {
								t.Errorf("the user is asked %q", text)
							}
							return tt.user(ctx, text)
						}
					}
					session := s.sit(t, by, version, u)
					before := len(s.records(t))
					count++
					text, isError := change(t, session, count)
					if isError != (tt.told != "") || !strings.Contains(text, tt.told) {
						t.Errorf("the model is told %q", text)
					}
					if want := map[bool]int32{true: 1, false: 0}[tt.answer != ""]; asked.Load() != want {
						t.Errorf("the user is asked %d times", asked.Load())
					}
					// A read is not asked about, nor what is of another environment.
					if text, isError := operate(t, session, "ListClusters", map[string]any{}); isError {
						t.Errorf("a read: %s", text)
					}
					records := s.records(t)[before:]
					i := slices.IndexFunc(records, func(r audit.Record) bool {
						return r.Input != nil && r.Input.Operation == "UpdateService" && r.Phase != audit.PhaseAsked
					})
					if tt.answer == "" {
						if r := records[i]; r.Class != "unconfirmed" || r.Approval != nil {
							t.Errorf("record %+v", r)
						}
						return
					}
					if a, r := records[i].Approval, records[i]; a == nil || a.Answer != tt.answer || records[i-1].Phase != audit.PhaseAsked || records[i-1].DecisionID != r.DecisionID {
						t.Errorf("record %+v", r)
					}
				})
			}
		}
	}
}

func TestAUserWhoIsTooSlowHasNotAgreed(t *testing.T) {
	t.Parallel()
	s := careful(t, "1s")
	for _, by := range []string{"serve", "wrap"} {
		t.Run(by+" with a session", func(t *testing.T) {
			withdrawn := make(chan struct{})
			session := s.sit(t, by, "2025-11-25", func(ctx context.Context, _ string) (*mcp.ElicitResult, error) {
				<-ctx.Done() // the question is withdrawn
				close(withdrawn)
				return &mcp.ElicitResult{Action: "accept"}, nil
			})
			if text, isError := change(t, session, 2); !isError || !strings.Contains(text, "did not answer within 1s") {
				t.Errorf("the model is told %q", text)
			}
			select {
			case <-withdrawn:
			case <-time.After(time.Minute):
				t.Error("the user is still asked")
			}
		})
		t.Run(by+" without", func(t *testing.T) {
			session := s.sit(t, by, "2026-07-28", func(context.Context, string) (*mcp.ElicitResult, error) {
				time.Sleep(time.Second) // it is over then, however long this takes
				return &mcp.ElicitResult{Action: "accept"}, nil
			})
			if text, isError := change(t, session, 2); !isError || !strings.Contains(text, "does not count for this call") {
				t.Errorf("the model is told %q", text)
			}
		})
	}
	for _, r := range s.records(t) {
		if r.Phase == audit.PhaseDecision {
			t.Errorf("allowed: %+v", r)
		}
	}
}

// Two calls of one session are asked about at the same time, and answered in the
// other order.
func TestUsersAreAskedAboutTwoCallsAtOnce(t *testing.T) {
	t.Parallel()
	s := careful(t, "2m")
	for _, by := range []string{"serve", "wrap"} {
		for _, version := range []string{"2026-07-28", "2025-11-25"} {
			t.Run(by+" "+version, func(t *testing.T) {
				second := make(chan struct{})
				session := s.sit(t, by, version, func(_ context.Context, text string) (*mcp.ElicitResult, error) {
					if strings.Contains(text, "DeleteService") {
						close(second)
						return &mcp.ElicitResult{Action: "decline"}, nil
					}
					<-second
					return &mcp.ElicitResult{Action: "accept"}, nil
				})
				done := make(chan string, 1)
				go func() {
					text, isError := change(t, session, 3)
					done <- fmt.Sprint(isError, text)
				}()
				if text, isError := operate(t, session, "DeleteService", map[string]any{"cluster": "staging", "service": "checkout", "force": version == "2026-07-28"}); !isError || !strings.Contains(text, "declined") {
					t.Errorf("the model is told %q", text)
				}
				if got := <-done; !strings.HasPrefix(got, "false") {
					t.Errorf("the model is told %q", got)
				}
			})
		}
	}
}

// A client that gives a call up is not asked about it any more.
func TestACallThatIsCancelledWhileTheUserIsAsked(t *testing.T) {
	t.Parallel()
	s := careful(t, "2m")
	for _, by := range []string{"serve", "wrap"} {
		t.Run(by, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			withdrawn := make(chan struct{})
			session := s.sit(t, by, "2025-11-25", func(asked context.Context, _ string) (*mcp.ElicitResult, error) {
				cancel()
				<-asked.Done()
				close(withdrawn)
				return nil, asked.Err()
			})
			_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "ecs_resource_management",
				Arguments: map[string]any{"api_operation": "UpdateService", "api_params": map[string]any{"cluster": "staging", "service": "checkout", "desiredCount": 2}}})
			if err == nil {
				t.Error("a call that was cancelled was answered")
			}
			select {
			case <-withdrawn:
			case <-time.After(time.Minute):
				t.Error("the user is still asked")
			}
		})
	}
}

// What one client was given, no other one can use, nor the same one twice: by HTTP,
// as raw requests.
func TestAConsentIsNobodyElses(t *testing.T) {
	t.Parallel()
	s := careful(t, "2m")
	post := func(more string, by ...string) string {
		t.Helper()
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ecs_resource_management",` + more +
			`"arguments":{"api_operation":"UpdateService","api_params":{"cluster":"staging","service":"checkout","desiredCount":2}},` +
			`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
		must(t, err)
		for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json", "Mcp-Protocol-Version": "2026-07-28",
			"Mcp-Method": "tools/call", "Mcp-Name": "ecs_resource_management"} {
			r.Header.Set(name, value)
		}
		for _, id := range by {
			r.Header.Set("Authorization", "Bearer "+token(id))
		}
		response, err := http.DefaultClient.Do(r)
		must(t, err)
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		must(t, err)
		return string(b)
	}
	var question struct{ Result struct{ RequestState string } }
	must(t, json.Unmarshal([]byte(post("")), &question))
	again := fmt.Sprintf(`"inputResponses":{"ecs-mcp-proxy.confirm":{"action":"accept"}},"requestState":%q,`, question.Result.RequestState)
	if got := post(again, "ci"); !strings.Contains(got, "does not count for this call") {
		t.Errorf("another principal: %s", got)
	}
	if got := post(again); strings.Contains(got, `"isError":true`) {
		t.Errorf("its own: %s", got)
	}
	if got := post(again); !strings.Contains(got, "does not count for this call") {
		t.Errorf("a second time: %s", got)
	}
}
