package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/simulate"
)

// simulator is a process that answers cases, a JSON line each.
type simulator struct {
	name    string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	said    bytes.Buffer // on standard error
	refused bool         // a case at least: the verb simulate then ends with 1
}

// start starts a process that is killed when ctx ends.
func start(ctx context.Context, name, path string, args ...string) (*simulator, error) {
	s := &simulator{name: name, command: exec.CommandContext(ctx, path, args...)}
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

// finish ends the process by the end of its input, and returns whatever it did
// beyond answering.
func (s *simulator) finish() error {
	s.in.Close()
	more := s.out.Scan()
	err := s.command.Wait()
	switch {
	case more:
		return fmt.Errorf("%s answered more than it was asked: %q", s.name, s.out.Bytes())
	case err != nil && !(s.refused && s.command.ProcessState.ExitCode() == 1):
		return fmt.Errorf("%s: %w\n%s", s.name, err, s.said.Bytes())
	}
	return nil
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
			s.in.Close()
			ended := s.command.Wait()
			return nil, fmt.Errorf("ask %s: no answer to case %s: %w\n%s", s.name, c.ID, errors.Join(orEnd(s.out.Err()), ended), s.said.Bytes())
		}
		if err := json.Unmarshal(s.out.Bytes(), &answers[i]); err != nil {
			return nil, fmt.Errorf("ask %s: read answer %q: %w", s.name, s.out.Bytes(), err)
		}
		if answers[i].ID != c.ID {
			return nil, fmt.Errorf("ask %s: case %s is answered as %q", s.name, c.ID, answers[i].ID)
		}
		s.refused = s.refused || answers[i].Decision == simulate.Invalid
	}
	if err := <-written; err != nil {
		return nil, fmt.Errorf("ask %s: %w", s.name, err)
	}
	return answers, nil
}

func orEnd(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// comparison is of the two simulators.
type comparison struct{ proxy, oracle *simulator }

// ask asks both, at the same time.
func (c comparison) ask(cases ...iamtest.Case) (ours, theirs []answer, err error) {
	failed := make(chan error, 1)
	go func() {
		var err error
		theirs, err = c.oracle.ask(cases)
		failed <- err
	}()
	ours, err = c.proxy.ask(cases)
	return ours, theirs, errors.Join(err, <-failed)
}

// decisions are all that there are.
var decisions = []string{"allowed", "explicitDeny", "implicitDeny"}

// result is of a comparison: the cases on which the two differ, and how often
// which decision was taken.
type result struct {
	differ    []iamtest.Case
	decisions map[string]int
}

// compare compares cases, prints the outcome, and the first few differences. A
// case that either does not take is one, too.
func (c comparison) compare(name string, cases []iamtest.Case) (result, error) {
	ours, theirs, err := c.ask(cases...)
	if err != nil {
		return result{}, err
	}
	r := result{decisions: map[string]int{}}
	for i := range cases {
		r.decisions[ours[i].Decision]++
		if ours[i].Decision != theirs[i].Decision || !slices.Contains(decisions, ours[i].Decision) {
			r.differ = append(r.differ, cases[i])
		}
	}
	fmt.Printf("%s: %d cases", name, len(cases))
	for _, word := range decisions {
		fmt.Printf(", %d %s", r.decisions[word], word)
	}
	fmt.Printf("; %d differences\n", len(r.differ))
	const shown = 3
	for _, drawn := range r.differ[:min(shown, len(r.differ))] {
		if err := c.explain(drawn); err != nil {
			return result{}, err
		}
	}
	return r, nil
}

// explain prints the smallest case that still shows the difference of one.
func (c comparison) explain(drawn iamtest.Case) error {
	var failed error
	ask := func(smaller iamtest.Case) (ours, theirs answer) {
		a, b, err := c.ask(smaller)
		if err != nil {
			failed = err
			return ours, theirs
		}
		return a[0], b[0]
	}
	taken := func(a, b answer) bool { return a.Decision != simulate.Invalid && b.Decision != simulate.Invalid }
	// What either does not take at all is another difference than the one sought.
	first, second := ask(drawn)
	small := iamtest.Shrink(drawn, func(smaller iamtest.Case) bool {
		if failed != nil || strays(smaller) {
			return false
		}
		a, b := ask(smaller)
		return failed == nil && a.Decision != b.Decision && taken(a, b) == taken(first, second)
	})
	ours, theirs := ask(small)
	if failed != nil {
		return failed
	}
	fmt.Printf("  case %s, smallest:\n  %s\n  simulate: %s %s\n  oracle:   %s %s\n", drawn.ID, small.Line(), ours.Decision, ours.Error, theirs.Decision, theirs.Error)
	return nil
}

// strays: by leaving out a Version or a value, a case becomes one on which the
// two differ for a reason that is known (iamtest.LiteralVariables, EmptySets).
func strays(c iamtest.Case) bool {
	for _, v := range c.Request.Context {
		if v.Multi && len(v.Values) == 0 {
			return true
		}
	}
	for _, d := range slices.Concat(c.Policies, c.Boundary, []iamtest.Document{c.Session}) {
		if b, err := json.Marshal(d); d["Version"] != "2012-10-17" && (err != nil || bytes.Contains(b, []byte("${"))) {
			return true
		}
	}
	return false
}
