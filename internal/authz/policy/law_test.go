package policy_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/simulate"
)

// law is a kind of change that never makes a refused call an allowed one.
type law struct {
	// changes are all changes of the kind that one can make to a case.
	changes func(iamtest.Case) []change
	// tempting: the change touched a refused call, so that a wrong evaluator might
	// have allowed it. By default, if the answer is another one.
	tempting func(before, after iam.Answer) bool
	// wrong, if any, says what else is wrong with the answers.
	wrong func(before, after iam.Answer) string
}

// change is a case before and after. What a case cannot hold is asked besides.
type change struct {
	before, after iamtest.Case
	ask           func(before, after *policy.Question)
	of            iamtest.Case // what was drawn
}

// reader reads cases that differ in their requests alone, whose documents it then
// reads once: that takes most of the time.
type reader map[string]policy.Question

func (r reader) question(c iamtest.Case) (policy.Question, error) {
	call := c.Request
	c.Request = iamtest.Request{Action: "ecs:ListClusters", Resource: "*"}
	key := string(c.Line())
	q, ok := r[key]
	if !ok {
		var err error
		if q, err = question(c); err != nil {
			return q, err
		}
		r[key] = q
	}
	asked, err := question(iamtest.Case{ID: c.ID, Request: call})
	q.Accesses = asked.Accesses
	return q, err
}

func (c change) questions(r reader) (before, after policy.Question, err error) {
	if before, err = r.question(c.before); err != nil {
		return before, after, err
	}
	if after, err = r.question(c.after); err == nil && c.ask != nil {
		c.ask(&before, &after)
	}
	return before, after, err
}

// tally counts what the changes met: a law that nothing could break is no test.
type tally struct {
	changes  int
	unread   int // a document that is no policy: ReadDocument refuses some Denies that would not hold
	errors   int // a side that cannot be compared, so that there is nothing to hold
	refused  int // before
	tempting int
	lost     int // an allowed call that the change made a refused one
}

func (n tally) and(m tally) tally {
	return tally{n.changes + m.changes, n.unread + m.unread, n.errors + m.errors, n.refused + m.refused, n.tempting + m.tempting, n.lost + m.lost}
}

// breach says how the answers break the law, and counts them.
func (l law) breach(before, after *iam.Answer, seen *tally) string {
	seen.changes++
	if before == nil || after == nil {
		seen.errors++
		return ""
	}
	if l.wrong != nil {
		if how := l.wrong(*before, *after); how != "" {
			return how
		}
	}
	switch {
	case before.Allow && !after.Allow:
		seen.lost++
	case !before.Allow:
		seen.refused++
		if l.tempting == nil && whole(*before) != whole(*after) || l.tempting != nil && l.tempting(*before, *after) {
			seen.tempting++
		}
		if after.Allow {
			return "what was refused is allowed"
		}
	}
	return ""
}

// answersOf are nil where the judge cannot answer; one such question spoils no other.
func answersOf(ctx context.Context, judge simulate.Judge, questions []policy.Question) []*iam.Answer {
	all := make([]*iam.Answer, len(questions))
	answers, err := judge.Judge(ctx, questions...)
	for i := range all {
		if err == nil {
			all[i] = &answers[i]
		} else if len(questions) > 1 {
			all[i] = answersOf(ctx, judge, questions[i:i+1])[0]
		}
	}
	return all
}

// broken returns the first change that breaks the law.
func (l law) broken(ctx context.Context, judge simulate.Judge, seen *tally, changes []change) (first change, how string) {
	var questions []policy.Question
	var read []change
	reads := reader{}
	for _, c := range changes {
		before, after, err := c.questions(reads)
		if err != nil {
			seen.unread++
			continue
		}
		read, questions = append(read, c), append(questions, before, after)
	}
	answers := answersOf(ctx, judge, questions)
	for i, c := range read {
		if how := l.breach(answers[2*i], answers[2*i+1], seen); how != "" {
			return c, how
		}
	}
	return first, ""
}

// hold checks the law on drawn cases: on many by the twin that decides, which
// also shows that they could break it; on few by rego/iam.
func (l law) hold(t *testing.T) {
	rego := reference(t)
	var seen tally
	for _, seed := range seeds(t) {
		seen = seen.and(l.holdBy(t, policy.Native{}, iamtest.New(seed), count(1_200, 100)))
		l.holdBy(t, rego, iamtest.New(seed), count(60, 8))
	}
	// So low that the fixed seed reaches it whatever the fresh one draws.
	if n := seen.changes; !t.Failed() && (n < count(700, 60) || seen.refused < n/5 || seen.tempting < n/50 || seen.lost < n/50 || seen.errors+seen.unread > n/5) {
		t.Errorf("too little could have broken the law: %+v", seen)
	}
}

// most is how many changes are made to a case, in turn: a case is slow to read.
const most = 4

func (l law) holdBy(t *testing.T, judge simulate.Judge, generator *iamtest.Generator, cases int) (seen tally) {
	var next int
	var mu sync.Mutex
	var wait sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for next < cases && !t.Failed() {
				var changes []change
				for ; len(changes) < 4*most && next < cases; next++ {
					drawn := generator.Case(next)
					all := l.changes(drawn)
					for i := range min(most, len(all)) {
						c := all[(next+i*max(1, len(all)/most))%len(all)]
						c.of = drawn
						changes = append(changes, c)
					}
				}
				mu.Unlock()
				var here tally
				first, how := l.broken(t.Context(), judge, &here, changes)
				mu.Lock()
				seen = seen.and(here)
				if how != "" && !t.Failed() {
					l.report(t, judge, first.of)
				}
			}
		})
	}
	wait.Wait()
	t.Logf("%T: %d cases in %s: %+v", judge, cases, time.Since(start).Round(time.Millisecond), seen)
	return seen
}

// report shows the smallest case that breaks the law, ready for the verb simulate.
func (l law) report(t *testing.T, judge simulate.Judge, drawn iamtest.Case) {
	var worst change
	var how string
	breaks := func(smaller iamtest.Case) bool {
		c, why := l.broken(t.Context(), judge, &tally{}, l.changes(smaller))
		if why != "" {
			worst, how = c, why
		}
		return why != ""
	}
	if !breaks(drawn) {
		t.Errorf("case %s broke the law once, and not again", drawn.ID)
		return
	}
	iamtest.Shrink(drawn, breaks)
	before, after, err := worst.questions(reader{})
	if err != nil {
		t.Error(err)
	}
	said := sayings(t.Context(), judge, whole, before, after)
	t.Errorf("case %s, by %T: %s; smallest, before and after:\n%s\n%s\nasked %q\nand then %q\nsaid %s\nand then %s",
		drawn.ID, judge, how, worst.before.Line(), worst.after.Line(), asked(before), asked(after), said[0], said[1])
}

func asked(q policy.Question) (all []string) {
	for _, a := range q.Accesses {
		all = append(all, fmt.Sprintf("%s on %s (optional %t, unscopable %t)", a.Action, a.Resource, a.Optional, a.Unscopable))
	}
	return all
}

func TestAddingADenyNeverAddsAnAllow(t *testing.T) {
	law{changes: addedDenies}.hold(t)
}

func TestRemovingAnAllowNeverAddsAnAllow(t *testing.T) {
	law{changes: removedAllows}.hold(t)
}

// A boundary and a session policy only ever limit.
func TestAddingALayerNeverAddsAnAllow(t *testing.T) {
	law{changes: addedLayers}.hold(t)
}

func TestWideningAResourceNeverAddsAnAllow(t *testing.T) {
	law{changes: widerResources}.hold(t)
}

// Every required access of a call must be allowed.
func TestWideningACallByAnAccessNeverAddsAnAllow(t *testing.T) {
	law{
		changes: furtherAccesses,
		tempting: func(_, after iam.Answer) bool {
			return after.Accesses[len(after.Accesses)-1].Verdict == authz.Allowed
		},
	}.hold(t)
}

// Not knowing a key allows nothing that knowing it would not, whatever its value;
// and if knowing it would allow, the answer says that it is possible, and which
// keys it takes.
func TestNotKnowingNeverAddsAnAllow(t *testing.T) {
	law{changes: unknownKeys, wrong: hidesWhatIsPossible}.hold(t)
}

// Nor does not knowing which resource it is.
func TestNotKnowingTheResourceNeverAddsAnAllow(t *testing.T) {
	law{changes: unsettledResources, wrong: hidesWhatIsPossible}.hold(t)
}

func hidesWhatIsPossible(known, unknown iam.Answer) string {
	for i, with := range known.Accesses {
		without := unknown.Accesses[i]
		if with.Verdict == authz.Allowed && without.Verdict != authz.Allowed && (!without.Possible || len(without.Needs) == 0) {
			return "the answer does not say that knowing could allow"
		}
	}
	return ""
}
