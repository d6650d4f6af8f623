//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// openChanged is open with a configuration that the test changes first.
func openChanged(t *testing.T, p persona, change func(config map[string]any)) *session {
	t.Helper()
	dir := t.TempDir()
	path := p.configure(t, dir)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	change(config)
	if b, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(b))
	s := &session{audit: filepath.Join(dir, "audit.jsonl")}
	if s.process, err = start(dir, proxyEnviron(dir), world.binary, "wrap", "--config", path); err != nil {
		t.Fatal(err)
	}
	closeAfter(t, s.process)
	s.connect(t)
	return s
}

// servers lists the processes of the real server below the proxy, oldest first.
func (s *session) servers() []int {
	pids := slices.DeleteFunc(descendants(s.cmd.Process.Pid), func(pid int) bool { return !strings.Contains(commandLine(pid), "ecs-mcp-server") })
	slices.Sort(pids)
	return pids
}

// waiting starts a call that takes minutes, and returns the process that the
// proxy started for it, once it serves it, and what becomes of the call.
func (s *session) waiting(t *testing.T, ctx context.Context) (pid int, ended <-chan *mcp.CallToolResult) {
	t.Helper()
	before, mark := s.servers(), world.recorder.Mark()
	results := make(chan *mcp.CallToolResult, 1)
	go func() {
		result, err := s.client.CallTool(ctx, &mcp.CallToolParams{Name: "wait_for_service_ready",
			Arguments: map[string]any{"cluster": "never", "service_name": "ready", "timeout_seconds": 300}})
		if err == nil {
			results <- result
		}
		close(results)
	}()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		after := slices.DeleteFunc(s.servers(), func(pid int) bool { return slices.Contains(before, pid) })
		asked := slices.ContainsFunc(world.recorder.Since(mark), func(r Request) bool { return r.Action() == "ecs:ListTasks" })
		if len(after) == 1 && asked {
			return after[0], results
		}
	}
	t.Fatalf("no further server serves the call\n%s", s.stderr.String())
	return 0, nil
}

// outcomeOf waits for the outcome of the last call of a tool.
func (s *session) outcomeOf(t *testing.T, tool string) (decision, outcome audit.Record) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		records, _, err := readAudit(s.audit, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			switch {
			case r.Phase == audit.PhaseDecision && r.Input.Tool == tool:
				decision, outcome = r, audit.Record{}
			case r.Phase == audit.PhaseOutcome && r.DecisionID == decision.DecisionID:
				outcome = r
			}
		}
		if outcome.DecisionID != "" {
			return decision, outcome
		}
	}
	t.Fatalf("no outcome of %s within %s", tool, patience)
	return decision, outcome
}

// list is a call that takes no time.
func (s *session) list(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := s.client.CallTool(ctx, &mcp.CallToolParams{Name: "ecs_resource_management",
		Arguments: map[string]any{"api_operation": "ListClusters", "api_params": map[string]any{}}})
	if err != nil || result.IsError {
		t.Fatalf("a call beside it: %v %v", err, result)
	}
}

func TestAServerThatIsKilledFailsItsCallOnceAndOthersDoNotNotice(t *testing.T) {
	s := open(t, everything)
	first := s.servers()
	pid, ended := s.waiting(t, t.Context())
	s.list(t) // the long wait blocks nobody
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	result, ok := <-ended
	if !ok || !result.IsError || !strings.Contains(text(result), "outcome is unknown") {
		t.Errorf("the call ended with %+v", result)
	}
	if _, outcome := s.outcomeOf(t, "wait_for_service_ready"); outcome.Class != "upstream" {
		t.Errorf("outcome %+v", outcome)
	}
	s.list(t)
	// The session's first server, killed while nothing is in progress, comes back.
	if err := syscall.Kill(first[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !strings.Contains(s.stderr.String(), "it is started again"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody noticed its end")
		}
	}
	s.list(t)
	tools, err := s.client.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) == 0 {
		t.Errorf("tools after the restart: %v %v", tools, err)
	}
	if slices.Contains(s.servers(), first[0]) {
		t.Error("the first server was not killed")
	}
}

func TestAServerThatHangsIsKilledAfterItsGraceAndDrawsNothing(t *testing.T) {
	s := openChanged(t, everything, func(config map[string]any) {
		config["limits"].(map[string]any)["cancel_grace"] = "2s"
	})
	ctx, cancel := context.WithCancel(t.Context())
	pid, ended := s.waiting(t, ctx)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
	s.list(t) // meanwhile
	decision, outcome := s.outcomeOf(t, "wait_for_service_ready")
	if outcome.Class != "upstream" || alive(pid) {
		t.Errorf("outcome %+v; the server is alive: %v", outcome, alive(pid))
	}
	for _, r := range world.recorder.Since(0) {
		if r.AccessKeyID == decision.Grant.AccessKeyID && r.Action() == "ecs:ListTasks" && r.Parameter("cluster") != "never" {
			t.Errorf("%s was signed with the key of the call that hung", r)
		}
	}
	s.list(t)
}

func TestUnderProcessOnlyTheCallsOwnServerHoldsItsKeys(t *testing.T) {
	s := openChanged(t, everything, func(config map[string]any) {
		config["credentials"] = map[string]string{"delivery": "process"}
	})
	first := s.servers()
	made := s.operate(t, "CreateCluster", map[string]any{"clusterName": "of-process"})
	if made.IsError || len(made.ByServer) != 1 || made.ByServer[0].AccessKeyID != made.Decision.Grant.AccessKeyID {
		t.Fatalf("call %+v", made)
	}
	pid, _ := s.waiting(t, t.Context())
	key, home := environOf(t, pid, "AWS_ACCESS_KEY_ID"), environOf(t, pid, "HOME")
	if key == "" || home == "" || strings.Contains(home, filepath.Dir(s.audit)) {
		t.Errorf("the call's own server has key %q and home %q", key, home)
	}
	if got := environOf(t, pid, "AWS_CONTAINER_CREDENTIALS_FULL_URI"); got != "" {
		t.Errorf("it has an endpoint too: %q", got)
	}
	secrets := world.secrets(t)
	for _, other := range append(descendants(s.cmd.Process.Pid), s.cmd.Process.Pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", other))
		if other == pid || err != nil {
			continue // the proxy and its guards cannot be looked into
		}
		for _, secret := range secrets {
			if strings.Contains(string(b), secret) && secret != baseSecret && secret != baseToken {
				t.Errorf("process %d (%s) holds a call's secret", other, commandLine(other))
			}
		}
	}
	if environOf(t, first[0], "AWS_ACCESS_KEY_ID") != "" {
		t.Error("the session's first server has keys")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(home); os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the throw-away home was left behind")
		}
	}
	s.outcomeOf(t, "wait_for_service_ready")
	s.list(t)
}

// Whatever keys lie about: a call is signed with its own grant, or not at all.
func TestPlantedKeysAreNeverUsedForACall(t *testing.T) {
	const planted = "AKIAPLANTEDADMIN0000"
	for _, delivery := range []string{"lease", "process"} {
		t.Run(delivery, func(t *testing.T) {
			s := openChanged(t, everything, func(config map[string]any) {
				home := filepath.Dir(config["audit"].(map[string]any)["file"].(string))
				if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(home, ".aws", "credentials"), "[default]\naws_access_key_id="+planted+"\naws_secret_access_key=planted\n")
				write(t, filepath.Join(home, ".boto"), "[Credentials]\naws_access_key_id="+planted+"\naws_secret_access_key=planted\n")
				config["credentials"] = map[string]string{"delivery": delivery}
			})
			mark := world.recorder.Mark()
			made := s.operate(t, "CreateCluster", map[string]any{"clusterName": "planted-" + delivery})
			if made.IsError || len(made.ByServer) != 1 || made.ByServer[0].AccessKeyID != made.Decision.Grant.AccessKeyID {
				t.Errorf("call %+v", made)
			}
			for _, r := range world.recorder.Since(mark) {
				byProxy := strings.Contains(r.UserAgent, "aws-sdk-go-v2")
				if r.AccessKeyID == planted || r.AccessKeyID == baseKey && (!byProxy || r.Action() != "sts:AssumeRole") {
					t.Errorf("%s was signed with %s", r, r.AccessKeyID)
				}
			}
		})
	}
}

// environOf is a variable of another process.
func environOf(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	for variable := range strings.SplitSeq(string(b), "\x00") {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}
