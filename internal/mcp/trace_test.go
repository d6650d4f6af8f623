package mcp

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// followers follows every call of a test.
type followers struct {
	t     *testing.T
	mu    sync.Mutex
	calls map[string]*follower // by decision
}

// follower is told of one call.
type follower struct {
	of      *followers
	stages  []string
	decided []string
	ended   []string
}

// following returns a tracer that fails the test unless each call was decided once
// and ended once, in whatever way it ended, as the record has it.
func following(t *testing.T, auditFile string) Tracer {
	f := &followers{t: t, calls: map[string]*follower{}}
	t.Cleanup(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		recorded := classesOnRecord(t, auditFile)
		for id, c := range f.calls {
			if len(c.decided) != 1 || len(c.ended) != 1 {
				t.Errorf("the call %s was decided as %q and ended as %q", id, c.decided, c.ended)
				continue
			}
			if want, ok := recorded[id]; ok && want != [2]string{c.decided[0], c.ended[0]} {
				t.Errorf("the call %s was followed as %q %q, and is on record as %q", id, c.decided[0], c.ended[0], want)
			}
			if forwarded := slices.Contains(c.stages, StageUpstream); forwarded != (c.ended[0] != "") {
				t.Errorf("the call %s ended as %q after %v", id, c.ended[0], c.stages)
			}
		}
	})
	return f
}

// classesOnRecord are those of each decision and of its outcome.
func classesOnRecord(t *testing.T, auditFile string) map[string][2]string {
	b, err := os.ReadFile(auditFile)
	if err != nil {
		t.Log(err) // the test took it away
	}
	all := map[string][2]string{}
	for line := range bytes.Lines(b) {
		var r audit.Record
		if json.Unmarshal(line, &r) != nil {
			continue
		}
		had := all[r.DecisionID]
		switch r.Phase {
		case audit.PhaseAsked, audit.PhaseDecision, audit.PhaseRefusal:
			had[0] = r.Class
		case audit.PhaseOutcome:
			had[1] = r.Class
		}
		all[r.DecisionID] = had
	}
	return all
}

func (f *followers) Begin(call Followed) Trace {
	f.mu.Lock()
	defer f.mu.Unlock()
	// A decision under which the user was asked goes on when the answer comes.
	before := f.calls[call.DecisionID]
	if before != nil && !slices.Equal(before.decided, []string{classAsked}) || call.Method == "" || call.RequestedBy == "" {
		f.t.Errorf("told of %+v", call)
	}
	c := &follower{of: f}
	f.calls[call.DecisionID] = c
	return c
}

func (c *follower) Stage(stage string, began, ended time.Time) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if began.IsZero() || ended.Before(began) || len(c.ended) > 0 {
		c.of.t.Errorf("the stage %s from %s to %s, of a call that ended as %q", stage, began, ended, c.ended)
	}
	c.stages = append(c.stages, stage)
}

func (c *follower) Decided(class string) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.decided = append(c.decided, class)
}

func (c *follower) End(class string) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.ended = append(c.ended, class)
}

func TestATracerThatPanicsRefusesItsCallAndNoOther(t *testing.T) {
	tb := converse(t, "reader", func(g *Gate) { g.Tracer = mad{g.Tracer} })
	tb.say(manage(1, "ListClusters", `{}`))
	wants(t, tb.hear(), `"id":1`, "it could not be judged")
	tb.reachedNothing()
}

type mad struct{ Tracer }

func (mad) Begin(Followed) Trace { panic("boom") }

// What stages and traces cost a call when nobody collects any.
func BenchmarkNobodyFollows(b *testing.B) {
	g, m := &Gate{}, &wire.Message{Method: "tools/call", Name: "t"}
	b.ReportAllocs()
	for b.Loop() {
		ctx, trace := g.follow(b.Context(), m, "d")
		for _, stage := range Stages {
			g.timed(ctx, stage)()
		}
		if trace != nil {
			b.Fatal("somebody follows")
		}
	}
}
