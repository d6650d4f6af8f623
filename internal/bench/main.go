package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const (
	rounds      = 3
	singleCalls = 2000 // of one caller, for the percentiles
	manyCalls   = 5000 // of 16 and of 64 callers, for calls per second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "echo":
		return echo(os.Stdin, os.Stdout)
	case len(args) == 1 && args[0] == "pump":
		return pump()
	case len(args) == 1 && args[0] == "upstream":
		return upstream()
	case len(args) == 2 && args[0] == "http-pump":
		return httpPump(args[1])
	case len(args) == 2 && args[0] == "serve":
		return load(os.Stdout, args[1])
	case len(args) == 2 && args[0] == "sessions":
		return idleSessions(os.Stdout, args[1])
	case len(args) != 1:
		return errors.New("usage: bench PATH-OF-ecs-mcp-proxy, or bench serve PATH, or bench sessions PATH, or bench decisions, or bench endpoint")
	case args[0] == "endpoint":
		return endpointAnswer(context.Background(), os.Stdout)
	}
	missed := decisions(context.Background(), os.Stdout)
	if args[0] == "decisions" || missed != nil && !errors.Is(missed, errMissed) {
		return missed
	}
	fmt.Println()
	slow := endpointAnswer(context.Background(), os.Stdout)
	if slow != nil && !errors.Is(slow, errMissed) {
		return slow
	}
	missed = errors.Join(missed, slow)
	fmt.Println()
	dir, err := os.MkdirTemp("", "ecs-mcp-proxy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	aws := fakeaws.New(fakeaws.Config{})
	defer aws.Close()
	commands, err := prepare(dir, args[0], aws)
	if err != nil {
		return err
	}
	results := map[string][]sample{}
	for range rounds {
		for _, c := range commands {
			s, err := measure(c)
			if err != nil {
				return fmt.Errorf("measure %s: %w", c.name, err)
			}
			results[c.name] = append(results[c.name], s)
		}
	}
	missed = errors.Join(report(os.Stdout, commands, results), missed)
	for _, measure := range []func(io.Writer, string) error{load, idleSessions} {
		fmt.Println()
		over := measure(os.Stdout, args[0])
		if over != nil && !errors.Is(over, errMissed) {
			return over
		}
		missed = errors.Join(missed, over)
	}
	return missed
}

type command struct {
	name string
	argv []string
	env  []string
}

func prepare(dir, binary string, aws *fakeaws.AWS) ([]command, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return nil, err
	}
	endpoint, role, key, err := startAccount(aws)
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), "AWS_ACCESS_KEY_ID="+key.ID, "AWS_SECRET_ACCESS_KEY="+key.Secret)
	return []command{
		{"direct", []string{self, "echo"}, nil},
		{"pump", []string{self, "pump"}, nil},
		{"wrapped", []string{binary, "wrap", "--region", "us-east-1", "--role", role, "--endpoint", endpoint,
			"--audit-file", filepath.Join(dir, "audit.jsonl"), "--", self, "echo"}, env},
	}, nil
}

// startAccount starts AWS with the proxy's own identity and a role for it.
func startAccount(aws *fakeaws.AWS) (endpoint, role string, key fakeaws.Key, err error) {
	if endpoint, err = aws.Start(); err != nil {
		return "", "", key, err
	}
	if key, err = aws.AddUser("ecs-mcp-proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`); err != nil {
		return "", "", key, err
	}
	role, err = aws.AddRole(fakeaws.Role{Name: "mcp-reader", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}`}})
	return endpoint, role, key, err
}

// sample is what one round of one command gave.
type sample struct {
	p50, p99     time.Duration
	many16, many float64 // calls per second with 16 and 64 callers
}

func measure(c command) (s sample, err error) {
	p, err := start(c)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	for range 50 { // warm: policy is loaded, the grant is minted
		if err := p.call(); err != nil {
			return s, err
		}
	}
	took := make([]time.Duration, singleCalls)
	for i := range took {
		since := time.Now()
		if err := p.call(); err != nil {
			return s, err
		}
		took[i] = time.Since(since)
	}
	slices.Sort(took)
	s.p50, s.p99 = took[len(took)/2], took[len(took)*99/100]
	if s.many16, err = p.flood(16); err != nil {
		return s, err
	}
	s.many, err = p.flood(64)
	return s, err
}

func report(w io.Writer, commands []command, results map[string][]sample) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tp50\tadded\tx pump's\tp99\tx direct\t16 callers/s\tx pump\t64 callers/s\tx pump\t")
	median := func(name string, of func(sample) float64) float64 {
		var v []float64
		for _, s := range results[name] {
			v = append(v, of(s))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	p50 := func(s sample) float64 { return float64(s.p50.Microseconds()) }
	p99 := func(s sample) float64 { return float64(s.p99.Microseconds()) }
	many16 := func(s sample) float64 { return s.many16 }
	many := func(s sample) float64 { return s.many }
	for _, c := range commands {
		added := median(c.name, p50) - median("direct", p50)
		fmt.Fprintf(t, "%s\t%.0f µs\t%+.0f µs\t%.2f\t%.0f µs\t%.2f\t%.0f\t%.2f\t%.0f\t%.2f\t\n", c.name, median(c.name, p50), added,
			added/(median("pump", p50)-median("direct", p50)), median(c.name, p99), median(c.name, p99)/median("direct", p99),
			median(c.name, many16), median(c.name, many16)/median("pump", many16), median(c.name, many), median(c.name, many)/median("pump", many))
	}
	fmt.Fprintf(t, "medians of %d interleaved rounds; one caller for p50 and p99\n", rounds)
	return t.Flush()
}

// peer is a running command and the raw client in front of it.
type peer struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Reader
	next  int
}

func start(c command) (*peer, error) {
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Env, cmd.Stderr = c.env, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &peer{cmd: cmd, stdin: stdin, lines: bufio.NewReaderSize(stdout, 64<<10)}, cmd.Start()
}

func (p *peer) stop() error {
	return errors.Join(p.stdin.Close(), p.cmd.Wait())
}

func (p *peer) send() error {
	p.next++
	_, err := fmt.Fprintf(p.stdin, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"ecs_resource_management","arguments":{"api_operation":"DescribeServices","api_params":{"services":["checkout"]}}}}`+"\n", p.next)
	return err
}

func (p *peer) receive() error {
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var m struct {
		Result struct {
			IsError bool `json:"isError"`
		} `json:"result"`
		Error any `json:"error"`
	}
	if err := json.Unmarshal(line, &m); err != nil || m.Error != nil || m.Result.IsError {
		return fmt.Errorf("not the echo: %s", line)
	}
	return nil
}

func (p *peer) call() error {
	if err := p.send(); err != nil {
		return err
	}
	return p.receive()
}

// flood keeps n calls in flight and returns calls per second.
func (p *peer) flood(n int) (float64, error) {
	tickets := make(chan struct{}, n)
	var wg sync.WaitGroup
	var sendErr error
	since := time.Now()
	wg.Go(func() {
		for range manyCalls {
			tickets <- struct{}{}
			if sendErr = p.send(); sendErr != nil {
				return
			}
		}
	})
	for range manyCalls {
		if err := p.receive(); err != nil {
			return 0, err
		}
		<-tickets
	}
	wg.Wait()
	return manyCalls / time.Since(since).Seconds(), sendErr
}
