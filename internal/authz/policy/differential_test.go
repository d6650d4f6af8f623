package policy_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/simulate"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

var freshSeed = flag.Uint64("seed", 0, "draw the fresh cases from this seed again")

// fixedSeed finds again what was once found.
const fixedSeed = 20121017

// seeds are the fixed one and a fresh one, which is printed.
func seeds(t *testing.T) []uint64 {
	fresh := *freshSeed
	if fresh == 0 {
		fresh = rand.Uint64()>>11 + 1 // short enough for a float64
	}
	t.Logf("to draw the same cases again: -seed %d", fresh)
	return []uint64{fixedSeed, fresh}
}

// count is how many cases are compared, of each seed.
func count(n, underRace int) int {
	if raced {
		return underRace
	}
	return n
}

func reference(t *testing.T) simulate.Judge {
	t.Helper()
	r, err := policy.NewReference(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fakeAWS judges by the evaluator of internal/fakeaws, which shares no code with
// the others; it says the verdict alone.
type fakeAWS struct{}

func (fakeAWS) Judge(_ context.Context, questions ...policy.Question) ([]iam.Answer, error) {
	texts := func(documents []policy.Document) (all []string) {
		for _, d := range documents {
			all = append(all, string(d.JSON))
		}
		return all
	}
	answers := make([]iam.Answer, len(questions))
	for i, q := range questions {
		for _, a := range q.Accesses {
			c := fakeaws.Case{
				Identity: texts(q.Identity), Boundary: texts(q.Boundary), Session: texts(q.Session),
				Action: a.Action, Resource: a.Resource, Single: map[string]string{}, Multi: map[string][]string{},
			}
			for key, value := range a.Context {
				if value.Multi {
					c.Multi[key] = value.Values
				} else {
					c.Single[key] = value.Values[0]
				}
			}
			word, err := fakeaws.Simulate(c)
			if err != nil {
				return nil, err
			}
			var result authz.AccessResult
			if err := result.Verdict.UnmarshalText([]byte(word)); err != nil {
				return nil, err
			}
			answers[i].Accesses = append(answers[i].Accesses, result)
		}
	}
	return answers, nil
}

// said is what a judge said about a case, as far as it is compared: "error", or
// the answer as JSON.
type said func(iam.Answer) string

func whole(a iam.Answer) string {
	for i := range a.Accesses {
		r := &a.Accesses[i]
		for _, list := range []*[]string{&r.Statements, &r.Unknown, &r.Needs} {
			if len(*list) == 0 {
				*list = nil
			}
		}
		if len(r.Near) == 0 {
			r.Near = nil
		}
	}
	b, err := json.Marshal(a)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func verdicts(a iam.Answer) (all string) {
	for _, r := range a.Accesses {
		all += r.Verdict.String() + " "
	}
	return all
}

// sayings are what the judge says about each question. One that it cannot answer
// spoils no other.
func sayings(ctx context.Context, judge simulate.Judge, say said, questions ...policy.Question) []string {
	all := make([]string, len(questions))
	answers, err := judge.Judge(ctx, questions...)
	if err != nil && len(questions) > 1 {
		for i, q := range questions {
			all[i] = sayings(ctx, judge, say, q)[0]
		}
		return all
	}
	for i := range all {
		if all[i] = "error"; err == nil {
			all[i] = say(answers[i])
		}
	}
	return all
}

// compared is one set of cases on which two judges must say the same.
type compared struct {
	a, b      simulate.Judge
	say       said
	generator *iamtest.Generator
	cases     int
}

// run compares every case, on all processors. A difference is reported as the
// smallest case that shows it, ready for the verb simulate.
func (c compared) run(t *testing.T) {
	t.Helper()
	const batch = 32
	var next, differing atomic.Int64
	var wait sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for {
				first := int(next.Add(batch)) - batch
				if first >= c.cases || differing.Load() >= 3 {
					return
				}
				var drawn []iamtest.Case
				var questions []policy.Question
				for i := first; i < min(first+batch, c.cases); i++ {
					drawn = append(drawn, c.generator.Case(i))
					q, err := question(drawn[len(drawn)-1])
					if err != nil {
						t.Errorf("%v\n%s", err, drawn[len(drawn)-1].Line())
						return
					}
					questions = append(questions, q)
				}
				sayA, sayB := sayings(t.Context(), c.a, c.say, questions...), sayings(t.Context(), c.b, c.say, questions...)
				for i := range drawn {
					if sayA[i] != sayB[i] && differing.Add(1) <= 3 {
						c.report(t, drawn[i])
					}
				}
			}
		})
	}
	wait.Wait()
	t.Logf("%d cases in %s", c.cases, time.Since(start).Round(time.Millisecond))
}

func (c compared) report(t *testing.T, drawn iamtest.Case) {
	var sayA, sayB string
	differs := func(smaller iamtest.Case) bool {
		q, err := question(smaller)
		if err != nil {
			return false
		}
		a, b := sayings(t.Context(), c.a, c.say, q)[0], sayings(t.Context(), c.b, c.say, q)[0]
		if a != b {
			sayA, sayB = a, b
		}
		return a != b
	}
	differs(drawn)
	small := iamtest.Shrink(drawn, differs)
	t.Errorf("case %s, smallest:\n%s\n%T says %s\n%T says %s", drawn.ID, small.Line(), c.a, sayA, c.b, sayB)
}

// question reads the case as the verb simulate does. In some cases it asks for a
// second access, too, which the server might do without.
func question(c iamtest.Case) (policy.Question, error) {
	_, q, err := simulate.ReadCase(c.Line())
	if err != nil {
		return q, fmt.Errorf("the case is refused: %w", err)
	}
	if digit := c.ID[max(0, len(c.ID)-1):]; digit == "6" || digit == "7" {
		other := q.Accesses[0]
		other.Resource, other.Unscopable, other.Optional = "arn:aws:ecs:us-east-1:123456789012:service/shop/web", false, digit == "7"
		q.Accesses = append(q.Accesses, other)
	}
	return q, nil
}

// The native twin decides in the proxy, so it must say what rego/iam says: not
// the verdict alone, but the layer, the statements, the keys and what is possible.
func TestNativeSaysWhatRegoSays(t *testing.T) {
	r := reference(t)
	for _, seed := range seeds(t) {
		compared{policy.Native{}, r, whole, iamtest.New(seed), count(25_000, 1_000)}.run(t)
	}
}

func TestFakeAWSDecidesAsRegoDoes(t *testing.T) {
	r := reference(t)
	for _, seed := range seeds(t) {
		compared{r, fakeAWS{}, verdicts, iamtest.New(seed, iamtest.FakeAWS), count(2_500, 200)}.run(t)
	}
}

func TestFakeAWSDecidesAsNativeDoes(t *testing.T) {
	for _, seed := range seeds(t) {
		compared{policy.Native{}, fakeAWS{}, verdicts, iamtest.New(seed, iamtest.FakeAWS), count(25_000, 1_000)}.run(t)
	}
}
