package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const withAdmin = `admin: {address: "127.0.0.1:0"}`

var adminAddress = regexp.MustCompile(`"admin": "http://([^"]+)"`)

// admin is where a sidecar answers operators.
func (s *served) admin(t *testing.T) string {
	t.Helper()
	found := adminAddress.FindStringSubmatch(s.log())
	if found == nil {
		t.Fatalf("there is no admin address: %s", s.log())
	}
	return found[1]
}

// look asks the admin address.
func look(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	must(t, err)
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(b)
}

// health is the verb, as a container's health check runs it.
func health(t *testing.T, address string) (code int, out string) {
	t.Helper()
	cmd := exec.Command(binary(t), "health", "--timeout", "1m", "--address", address)
	cmd.Env = []string{"HTTP_PROXY=http://127.0.0.1:1"} // not asked
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(b)
}

func callerIdentities(aws *fakeaws.AWS) (n int) {
	for _, call := range aws.Requests() {
		if call.Action == "sts:GetCallerIdentity" {
			n++
		}
	}
	return n
}

func TestServeTellsOperatorsWhetherItIsReady(t *testing.T) {
	t.Parallel()
	s := serve(t, withAdmin)
	admin := "http://" + s.admin(t)
	if status, body := look(t, admin+"/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("healthz: %d %s", status, body)
	}
	for range 20 {
		if status, body := look(t, admin+"/readyz"); status != 200 || body != "proxy: ok\npolicy: ok\naudit: ok\nsts: ok\nupstream: ok\n" {
			t.Fatalf("readyz: %d %s", status, body)
		}
	}
	if n := callerIdentities(s.aws); n != 1 {
		t.Errorf("STS was asked %d times for 20 probes", n)
	}
	if code, out := health(t, s.admin(t)); code != 0 || !strings.Contains(out, "sts: ok") {
		t.Errorf("health: %d %s", code, out)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} { // not on the clients' address
		if status, _ := look(t, strings.TrimSuffix(s.url, "/mcp")+path); status != 404 {
			t.Errorf("%s on the clients' address: %d", path, status)
		}
	}
	if out, err := exec.Command("ecs-mcp-proxy", "health", "--live", "--address", s.admin(t), "--timeout", "1m").CombinedOutput(); err != nil || string(out) != "ok\n" {
		t.Errorf("health --live: %v %s", err, out)
	}
	// Nothing here is said with a secret, or of a call.
	must(t, os.Remove(filepath.Join(s.dir, "audit.jsonl")))
	must(t, os.Mkdir(filepath.Join(s.dir, "audit.jsonl"), 0o700))
	time.Sleep(1100 * time.Millisecond) // that an answer of this check stands
	if status, body := look(t, admin+"/readyz"); status != 503 || !strings.Contains(body, "audit: not ready: audit record cannot be written: "+filepath.Join(s.dir, "audit.jsonl")+" is not a file any more") {
		t.Errorf("readyz without a record: %d %s", status, body)
	}
	if code, out := health(t, s.admin(t)); code != 1 || !strings.Contains(out, "audit: not ready") {
		t.Errorf("health without a record: %d %s", code, out)
	}
	if out, err := exec.Command("ecs-mcp-proxy", "health", "--live", "--address", s.admin(t), "--timeout", "1m").CombinedOutput(); err != nil {
		t.Errorf("it lives, and is not to be started anew: %v %s", err, out)
	}
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	<-s.ended
	if code, out := health(t, s.admin(t)); code != 1 || !strings.Contains(out, "is admin.address set?") {
		t.Errorf("health of nobody: %d %s", code, out)
	}
}

func TestServeIsNotReadyWhenSTSAndTheServerAreAway(t *testing.T) {
	t.Parallel()
	s := serve(t, withAdmin+`
limits: {call_timeout: 5s}`)
	s.aws.Close()
	status, body := look(t, "http://"+s.admin(t)+"/readyz")
	if status != 503 || !strings.Contains(body, "sts: not ready: it cannot be reached") || strings.Contains(body, "AKIA") {
		t.Errorf("%d %s", status, body)
	}
}

// becomes waits until the admin address answers so.
func becomes(t *testing.T, url string, status int, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		got, body := look(t, url)
		if got == status && strings.Contains(body, want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s answers %d %s", url, got, body)
		}
	}
}

func TestServeIsNotReadyWhenItsServerCannotBeStarted(t *testing.T) {
	t.Parallel()
	command := ""
	s := serveWith(t, withAdmin+"\n", func(self string) string {
		command = filepath.Join(t.TempDir(), "server")
		must(t, os.Symlink(self, command))
		return fmt.Sprintf("{command: [%q, demo-server]}", command)
	})
	ready := "http://" + s.admin(t) + "/readyz"
	becomes(t, ready, 200, "upstream: ok\n")
	must(t, os.Remove(command))
	becomes(t, ready, 503, "upstream: not ready: start server: not found: command")
}

func TestServeIsNotReadyWhenItsServerTakesNoConnection(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	s := serveWith(t, "credentials: {delivery: none}\n"+withAdmin+"\n", func(string) string { return fmt.Sprintf("{urls: [{url: %q}]}", web.URL+"/secret-path") })
	ready, name := "http://"+s.admin(t)+"/readyz", "upstream "+strings.TrimPrefix(web.URL, "http://")
	becomes(t, ready, 200, name+": ok\n")
	web.Close()
	becomes(t, ready, 503, name+": not ready: it cannot be reached")
	if _, body := look(t, ready); strings.Contains(body, "secret-path") {
		t.Error(body)
	}
}

func TestWrapTellsOperatorsWhetherItIsReady(t *testing.T) {
	t.Parallel()
	s := &served{ended: make(chan struct{}), dir: t.TempDir()}
	must(t, os.WriteFile(filepath.Join(s.dir, "config.yaml"), []byte(fmt.Sprintf(`version: 1
aws: {region: us-east-1}
upstream: {command: [%q, demo-server]}
credentials: {delivery: none}
personas: {p: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/r"}}
principals: [{match: {kind: os-user}, persona: p}]
audit: {file: audit.jsonl}
%s
`, binary(t), withAdmin)), 0o600))
	s.cmd = exec.Command(binary(t), "wrap", "--config", filepath.Join(s.dir, "config.yaml"), "--log-level", "info")
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "AWS_EC2_METADATA_DISABLED=true"}
	s.cmd.Stderr = &s.stderr
	in, err := s.cmd.StdinPipe()
	must(t, err)
	must(t, s.cmd.Start())
	defer func() {
		must(t, in.Close())
		must(t, s.cmd.Wait())
	}()
	for end := time.Now().Add(time.Minute); adminAddress.FindString(s.log()) == "" && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	becomes(t, "http://"+s.admin(t)+"/readyz", 200, "proxy: ok\npolicy: ok\naudit: ok\nupstream: ok\n")
}

func TestWrapIsNotReadyWhileItsServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	o := &operation{config: &config.Config{Upstream: config.Upstream{Command: []string{binary(t)}}}, running: func() bool { return false }}
	if err := o.upstream(); err == nil || !strings.Contains(err.Error(), "is being started again") {
		t.Error(err)
	}
}
