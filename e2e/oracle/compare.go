package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// simulator is a process that answers cases, a JSON line each.
type simulator struct {
	name    string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	said    bytes.Buffer // on standard error
}

func start(name, path string, args ...string) (*simulator, error) {
	s := &simulator{name: name, command: exec.Command(path, args...)}
	s.command.Stderr = &s.said
	in, err := s.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s.in, s.out = in, bufio.NewScanner(out)
	s.out.Buffer(nil, 1<<20)
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return s, nil
}

// stop ends the process by the end of its input.
func (s *simulator) stop() {
	s.in.Close()
	s.command.Wait()
}

// answer is what both simulators say, as far as it is compared.
type answer struct {
	ID       string `json:"id"`
	Decision string `json:"decision"`
	Error    string `json:"error"`
}

// ask returns an answer for each case, in order.
func (s *simulator) ask(cases []iamtest.Case) ([]answer, error) {
	written := make(chan error, 1)
	go func() {
		w := bufio.NewWriter(s.in)
		for _, c := range cases {
			w.Write(append(c.Line(), '\n'))
		}
		written <- w.Flush()
	}()
	answers := make([]answer, len(cases))
	for i, c := range cases {
		if !s.out.Scan() {
			s.stop()
			return nil, fmt.Errorf("ask %s: no answer to case %s: %w\n%s", s.name, c.ID, orEnd(s.out.Err()), s.said.Bytes())
		}
		if err := json.Unmarshal(s.out.Bytes(), &answers[i]); err != nil {
			return nil, fmt.Errorf("ask %s: read answer %q: %w", s.name, s.out.Bytes(), err)
		}
		if answers[i].ID != c.ID {
			return nil, fmt.Errorf("ask %s: case %s is answered as %q", s.name, c.ID, answers[i].ID)
		}
	}
	return answers, <-written
}

func orEnd(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// comparison is of the two simulators.
type comparison struct{ proxy, oracle *simulator }

// differing returns the cases on which they differ, and how often which decision
// was taken. A case that either does not take is a difference, too.
func (c comparison) differing(cases []iamtest.Case) (found []iamtest.Case, decisions map[string]int, err error) {
	ours, err := c.proxy.ask(cases)
	if err != nil {
		return nil, nil, err
	}
	theirs, err := c.oracle.ask(cases)
	if err != nil {
		return nil, nil, err
	}
	decisions = map[string]int{}
	for i := range cases {
		decisions[ours[i].Decision]++
		if ours[i].Decision != theirs[i].Decision || ours[i].Decision == "invalid" {
			found = append(found, cases[i])
		}
	}
	return found, decisions, nil
}

// shown is how many differences are printed.
const shown = 3

// report compares cases, prints the outcome, and returns how many differ.
func (c comparison) report(name string, cases []iamtest.Case) (int, error) {
	found, decisions, err := c.differing(cases)
	if err != nil {
		return 0, err
	}
	fmt.Printf("%s: %d cases, %d allowed, %d explicitDeny, %d implicitDeny; %d differences\n",
		name, len(cases), decisions["allowed"], decisions["explicitDeny"], decisions["implicitDeny"], len(found))
	for _, drawn := range found[:min(shown, len(found))] {
		if err := c.explain(drawn); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// hasOldVariable: without its Version a document with a variable differs for a
// reason that is known.
func hasOldVariable(c iamtest.Case) bool {
	for _, d := range append(append([]iamtest.Document{c.Session}, c.Policies...), c.Boundary...) {
		if b, err := json.Marshal(d); d["Version"] != "2012-10-17" && (err != nil || bytes.Contains(b, []byte("${"))) {
			return true
		}
	}
	return false
}

// explain prints the smallest case that still shows the difference of one.
func (c comparison) explain(drawn iamtest.Case) error {
	var failed error
	ask := func(smaller iamtest.Case) (ours, theirs answer) {
		for s, a := range map[*simulator]*answer{c.proxy: &ours, c.oracle: &theirs} {
			answers, err := s.ask([]iamtest.Case{smaller})
			if err != nil {
				failed = err
				return ours, theirs
			}
			*a = answers[0]
		}
		return ours, theirs
	}
	// What either does not take at all is another difference than the one sought.
	ours, theirs := ask(drawn)
	taken := ours.Decision != "invalid" && theirs.Decision != "invalid"
	small := iamtest.Shrink(drawn, func(smaller iamtest.Case) bool {
		if hasOldVariable(smaller) {
			return false
		}
		a, b := ask(smaller)
		return failed == nil && a.Decision != b.Decision && taken == (a.Decision != "invalid" && b.Decision != "invalid")
	})
	ours, theirs = ask(small)
	if failed != nil {
		return failed
	}
	fmt.Printf("  case %s, smallest:\n  %s\n  simulate: %s %s\n  oracle:   %s %s\n", drawn.ID, small.Line(), ours.Decision, ours.Error, theirs.Decision, theirs.Error)
	return nil
}
