//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// simulator is the independent simulator of IAM, in a process of its own, with
// the documents that every case has.
type simulator struct {
	t     *testing.T
	in    *bufio.Writer
	out   *bufio.Scanner
	asked int
}

func startSimulator(t *testing.T) *simulator {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(world.oracle, "oracle.mjs"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the oracle: %v", err)
	}
	s := &simulator{t: t, in: bufio.NewWriter(in), out: bufio.NewScanner(out)}
	s.out.Buffer(nil, 1<<20)
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("the oracle ended: %v", err)
		}
	})
	return s
}

// decide returns allowed, explicitDeny or implicitDeny.
func (s *simulator) decide(c iamtest.Case) string {
	s.t.Helper()
	s.asked++
	s.in.Write(append(c.Line(), '\n'))
	if err := s.in.Flush(); err != nil {
		s.t.Fatalf("ask the oracle: %v", err)
	}
	if !s.out.Scan() {
		s.t.Fatalf("the oracle does not answer: %v", s.out.Err())
	}
	var answer struct{ Decision, Error string }
	if err := json.Unmarshal(s.out.Bytes(), &answer); err != nil {
		s.t.Fatal(err)
	}
	if answer.Error != "" {
		s.t.Fatalf("the oracle does not take %s: %s", c.Line(), answer.Error)
	}
	return answer.Decision
}
