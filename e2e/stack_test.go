//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

const region = "us-east-1"

// stack is everything around the proxy: moto, the recorder in front of it,
// what was seeded, and the trap on the server's way out. All tests share one.
type stack struct {
	binary    string // ecs-mcp-proxy
	venv      string // the Python environment
	oracle    string // the independent simulator and the authorization data
	inspector string // MCP Inspector and a Node for it

	moto     *process
	recorder *Recorder
	aws      string // the recorder's URL: AWS, as far as anyone here knows
	egress   *egress
	seed     map[string]string

	lent []lending // every call so far that was lent something
}

var world *stack

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	world, err = newStack()
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\n", err)
		return 1
	}
	code := m.Run()
	for _, err := range world.recorder.Refused() {
		fmt.Fprintf(os.Stderr, "e2e: a request to AWS could not be recorded: %v\n", err)
		code = 1
	}
	if err := world.close(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: close: %v\n", err)
		return 1
	}
	return code
}

// newStack starts moto and fills it.
func newStack() (*stack, error) {
	s := &stack{binary: os.Getenv("ECSMCP_E2E_BINARY"), venv: os.Getenv("ECSMCP_E2E_VENV"), oracle: os.Getenv("ECSMCP_E2E_ORACLE"),
		inspector: os.Getenv("ECSMCP_E2E_INSPECTOR")}
	if s.binary == "" || s.venv == "" || s.oracle == "" || s.inspector == "" {
		return nil, errors.New("ECSMCP_E2E_BINARY, ECSMCP_E2E_VENV, ECSMCP_E2E_ORACLE and ECSMCP_E2E_INSPECTOR are not set: run `make e2e`")
	}
	for _, path := range []*string{&s.binary, &s.venv, &s.oracle, &s.inspector} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return nil, err
		}
		*path = absolute
	}
	for _, path := range []string{s.binary, s.python("python"), s.python("ecs-mcp-server"), filepath.Join(s.oracle, "oracle.mjs"), filepath.Join(s.inspector, "node_modules/@modelcontextprotocol/inspector")} {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: run `make e2e`", err)
		}
	}
	if err := s.startAWS(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// python returns the path of a program of the Python environment.
func (s *stack) python(name string) string { return filepath.Join(s.venv, "bin", name) }

func (s *stack) startAWS() (err error) {
	s.moto, err = start("", []string{"PATH=" + s.python("")}, s.python("python"), "aws.py", "0")
	if err != nil {
		return err
	}
	moto, err := s.motoURL()
	if err != nil {
		return err
	}
	s.recorder = NewRecorder(moto)
	if s.aws, err = serve(s.recorder); err != nil {
		return err
	}
	s.egress = &egress{}
	if s.egress.url, err = serve(s.egress); err != nil {
		return err
	}
	seeding := exec.Command(s.python("python"), "seed.py", moto.String(), region)
	seeding.Env, seeding.Stderr = []string{}, os.Stderr
	seeded, err := seeding.Output()
	if err != nil {
		return fmt.Errorf("seed moto: %w", err)
	}
	return json.Unmarshal(seeded, &s.seed)
}

// motoURL waits until moto says where it listens.
func (s *stack) motoURL() (*url.URL, error) {
	running := regexp.MustCompile(`Running on (http://[0-9.:]+)`)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if m := running.FindStringSubmatch(s.moto.stderr.String()); m != nil {
			return url.Parse(m[1])
		}
	}
	return nil, fmt.Errorf("moto did not start in %s: %s", patience, s.moto.stderr.String())
}

// serve listens on a free loopback port until the tests end.
func serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go http.Serve(l, h)
	return "http://" + l.Addr().String(), nil
}

// close stops moto.
func (s *stack) close() error {
	if s.moto == nil {
		return nil
	}
	return s.moto.stop()
}

// secrets returns every secret that was lent since the stack was started.
func (s *stack) secrets(t *testing.T) []string {
	t.Helper()
	assumed, err := Assumptions(s.recorder.Since(0))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{baseSecret, baseToken}
	for _, a := range assumed {
		all = append(all, a.Secrets...)
	}
	return all
}
