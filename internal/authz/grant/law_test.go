package grant_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iam"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const (
	region   = "us-east-1"
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

var until = time.Date(2026, 11, 24, 12, 0, 30, 0, time.UTC)

// calls are the items of every sample call of the catalogue that AWS is part of.
var calls = sync.OnceValues(func() (map[string][]grant.Item, error) {
	b, err := os.ReadFile("../catalog/testdata/calls.yaml")
	if err != nil {
		return nil, err
	}
	var samples [][2]string
	if err := yaml.Unmarshal(b, &samples); err != nil {
		return nil, err
	}
	c, err := catalog.Builtin("awslabs.ecs-mcp-server")
	if err != nil {
		return nil, err
	}
	byCall := map[string][]grant.Item{}
	for _, s := range samples {
		tool, raw := s[0], s[1]
		if !slices.Contains(c.Tools(), tool) {
			tool, raw = "ecs_resource_management", fmt.Sprintf(`{"api_operation":%q,"api_params":%s}`, s[0], s[1])
		}
		r, err := c.Resolve(catalog.Env{Partition: "aws", Account: "123456789012", Region: region}, tool, json.RawMessage(raw))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s, err)
		}
		for _, a := range r.Accesses {
			if !a.IsMCP() {
				byCall[s[0]+" "+s[1]] = append(byCall[s[0]+" "+s[1]], grant.Item{Access: a})
			}
		}
	}
	return byCall, nil
})

// request is what AWS would be asked: an access with all that it carries.
func request(item grant.Item, change func(context map[string]authz.Value)) authz.Access {
	a := item.Access
	context := map[string]authz.Value{"aws:RequestedRegion": authz.One(region), "aws:CurrentTime": authz.One(until.Add(-time.Minute).Format(time.RFC3339))}
	for key, v := range a.Context {
		if !authz.IsOwnKey(key) {
			context[key] = v
		}
	}
	for _, p := range item.Pins {
		if a.Taggable && !a.Creates && !p.Absent {
			context[p.Key] = authz.One(p.Value)
		}
	}
	if change != nil {
		change(context)
	}
	a.Context, a.Unknown = context, nil
	return a
}

// evaluators answers by the proxy's engine and by the strict AWS's, which share
// no code, and must agree.
type evaluators struct {
	text string
	twin *iam.Policy
}

func evaluatorsOf(t interface{ Fatal(...any) }, policy string) evaluators {
	layers := map[string]any{}
	for name, text := range map[string]string{"identity": allowAll, "session": policy} {
		var document any
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		layers[name] = []any{map[string]any{"name": name, "document": document}}
	}
	twin, err := iam.New(layers)
	if err != nil {
		t.Fatal(err)
	}
	return evaluators{policy, twin}
}

func (e evaluators) allow(t interface{ Fatal(...any) }, a authz.Access) bool {
	answer, err := e.twin.Evaluate([]authz.Access{a})
	if err != nil {
		t.Fatal(err)
	}
	c := fakeaws.Case{Identity: []string{allowAll}, Session: []string{e.text}, Action: a.Action, Resource: a.Resource, Single: map[string]string{}, Multi: map[string][]string{}}
	for key, v := range a.Context {
		if v.Multi {
			c.Multi[key] = v.Values
		} else {
			c.Single[key] = v.Values[0]
		}
	}
	word, err := fakeaws.Simulate(c)
	if err != nil {
		t.Fatal(err)
	}
	if (word == "allowed") != answer.Allow {
		t.Fatal(fmt.Sprintf("the evaluators disagree on %+v: %s and %t\n%s", a, word, answer.Allow, e.text))
	}
	return answer.Allow
}

// covered: the other access is one of those that were decided. Where the action
// cannot be limited to a resource, it is so on every one.
func covered(items []grant.Item, other authz.Access) bool {
	return slices.ContainsFunc(items, func(i grant.Item) bool {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(i.Access.Resource), `\*`, ".*")
		return strings.EqualFold(i.Access.Action, other.Action) && regexp.MustCompile("^"+strings.ReplaceAll(pattern, `\?`, ".")+"$").MatchString(other.Resource)
	})
}

func compile(t interface{ Fatal(...any) }, items []grant.Item) string {
	policy, err := grant.Compile(items, region, until)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// pool is every item of every call once.
func pool(t interface{ Fatal(...any) }) []grant.Item {
	byCall, err := calls()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]grant.Item{}
	for _, items := range byCall {
		for _, i := range items {
			seen[fmt.Sprint(i.Access.Action, i.Access.Resource, i.Access.Context)] = i
		}
	}
	var all []grant.Item
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		all = append(all, seen[key])
	}
	return all
}

// pins draws what policy may have read of the items' tags.
func pinned(t *rapid.T, items []grant.Item) []grant.Item {
	items = slices.Clone(items)
	for i := range items {
		switch rapid.IntRange(0, 3).Draw(t, "pin") {
		case 0:
			items[i].Pins = []grant.Pin{{Key: "aws:ResourceTag/Environment", Value: "staging"}}
		case 1:
			items[i].Pins = []grant.Pin{{Key: "aws:ResourceTag/Environment", Absent: true}, {Key: "aws:ResourceTag/Team", Value: "a${b}"}}
		}
	}
	return items
}

// draw is a call of the catalogue, or a few accesses of several, that fits.
func draw(t *rapid.T, all []grant.Item, byCall map[string][]grant.Item) []grant.Item {
	var items []grant.Item
	if rapid.Bool().Draw(t, "whole call") {
		items = byCall[rapid.SampledFrom(slices.Sorted(maps.Keys(byCall))).Draw(t, "call")]
	} else {
		items = rapid.SliceOfN(rapid.SampledFrom(all), 1, 5).Draw(t, "accesses")
	}
	items = pinned(t, items)
	if _, err := grant.Compile(items, region, until); errors.Is(err, grant.ErrPolicySize) {
		t.Skip("too large")
	}
	return items
}

// A session policy allows each decided access and, of a thousand others in each
// run, none; and none of its own once a pinned tag, the region, the receiver of
// a role or the time is another.
func TestASessionPolicyAllowsWhatWasDecidedAndNothingElse(t *testing.T) {
	all := pool(t)
	byCall, err := calls()
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	rapid.Check(t, func(t *rapid.T) {
		items := draw(t, all, byCall)
		e := evaluatorsOf(t, compile(t, items))
		for _, i := range items {
			if !e.allow(t, request(i, nil)) {
				t.Fatalf("the decided %s on %s is not allowed by\n%s", i.Access.Action, i.Access.Resource, e.text)
			}
			for name, change := range elsewhere(i, items) {
				if e.allow(t, request(i, change)) {
					t.Fatalf("%s: %s on %s is allowed by\n%s", name, i.Access.Action, i.Access.Resource, e.text)
				}
			}
		}
		for range 50 {
			other := rapid.SampledFrom(all).Draw(t, "other")
			other.Access.Resource = rapid.SampledFrom(all).Draw(t, "of").Access.Resource
			if rapid.Bool().Draw(t, "spoilt") {
				at := rapid.IntRange(0, len(other.Access.Resource)).Draw(t, "at")
				other.Access.Resource = other.Access.Resource[:at] + "x" + other.Access.Resource[at:]
			}
			if covered(items, other.Access) {
				continue
			}
			others++
			if e.allow(t, request(other, nil)) {
				t.Fatalf("%s on %s, which nobody decided, is allowed by\n%s", other.Access.Action, other.Access.Resource, e.text)
			}
		}
	})
	if others < 1000 {
		t.Errorf("only %d others were tried", others)
	}
}

// elsewhere changes what bounds an access beyond action and resource.
func elsewhere(i grant.Item, items []grant.Item) map[string]func(map[string]authz.Value) {
	set := func(key, value string) func(map[string]authz.Value) {
		return func(c map[string]authz.Value) { c[key] = authz.One(value) }
	}
	changes := map[string]func(map[string]authz.Value){"after the call": set("aws:CurrentTime", until.Add(time.Second).Format(time.RFC3339))}
	if !i.Access.Global {
		changes["in another region"] = set("aws:RequestedRegion", "eu-west-1")
	}
	alone := 0 // another item on the same resource may allow it, with other pins
	for _, other := range items {
		if covered([]grant.Item{other}, i.Access) {
			alone++
		}
	}
	if alone > 1 {
		return changes
	}
	if i.Access.Action == "iam:PassRole" {
		changes["to another service"] = set("iam:PassedToService", "lambda.amazonaws.com")
	}
	if _, ok := i.Access.Context["ecs:CreateAction"]; ok {
		changes["of what is there"] = func(c map[string]authz.Value) { delete(c, "ecs:CreateAction") }
	}
	if i.Access.Taggable && !i.Access.Creates {
		for _, p := range i.Pins {
			changes["with another "+p.Key] = set(p.Key, "production")
			if !p.Absent {
				changes["without "+p.Key] = func(c map[string]authz.Value) { delete(c, p.Key) }
			}
		}
	}
	return changes
}

// A smaller call never has a policy that allows more.
func TestASmallerCallIsNeverLentMore(t *testing.T) {
	all := pool(t)
	byCall, err := calls()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		whole := draw(t, all, byCall)
		var part []grant.Item
		for _, i := range whole {
			if rapid.Bool().Draw(t, "keep") {
				part = append(part, i)
			}
		}
		if len(part) == 0 {
			part = whole[:1]
		}
		smaller, larger := evaluatorsOf(t, compile(t, part)), evaluatorsOf(t, compile(t, whole))
		for _, i := range append(slices.Clone(whole), rapid.SliceOfN(rapid.SampledFrom(all), 10, 10).Draw(t, "others")...) {
			if a := request(i, nil); smaller.allow(t, a) && !larger.allow(t, a) {
				t.Fatalf("%s on %s is allowed by\n%s\nand not by\n%s", a.Action, a.Resource, smaller.text, larger.text)
			}
		}
	})
}

// The order in which accesses were found, or one that was found twice, changes
// no byte, so equal calls share a scope; and there is no byte too much.
func TestASessionPolicyIsSortedAndMinified(t *testing.T) {
	all := pool(t)
	byCall, err := calls()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		items := draw(t, all, byCall)
		policy := compile(t, items)
		again := append(rapid.Permutation(items).Draw(t, "order"), items[0])
		if got := compile(t, again); got != policy {
			t.Fatalf("%s\nbecomes\n%s", policy, got)
		}
		var document any
		if err := json.Unmarshal([]byte(policy), &document); err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`[\n\t]|": |, "`).MatchString(policy) || len(policy) > grant.MaxPolicy {
			t.Fatalf("not minified: %s", policy)
		}
	})
}

// Different callers never share a source identity, and every one is what STS takes.
func TestSourceIdentitiesAreInjective(t *testing.T) {
	form := regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z@.\- :/]{0,70}`), rapid.SampledFrom([]string{"alice", "Alice", "alice ", "al-ice", "al ice", "aws:alice", "", "os-user", "\x00", "a\x00b", "a", "b", "b\x00a"}))
	rapid.Check(t, func(t *rapid.T) {
		type caller struct{ kind, id string }
		seen := map[string]caller{}
		for range 20 {
			c := caller{text.Draw(t, "kind"), text.Draw(t, "id")}
			got := grant.SourceIdentity(c.kind, c.id)
			if !form.MatchString(got) || strings.HasPrefix(strings.ToLower(got), "aws:") {
				t.Fatalf("%q becomes %q, which STS refuses", c, got)
			}
			if other, ok := seen[got]; ok && other != c {
				t.Fatalf("%q and %q are both %q", c, other, got)
			}
			seen[got] = c
		}
	})
}

// A decision is found again in AWS's log by the name of its session.
func TestADecisionsIDIsASessionsName(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		name := grant.SessionPrefix + audit.NewID()
		if !regexp.MustCompile(`^[\w+=,.@-]{2,64}$`).MatchString(name) || seen[name] {
			t.Fatalf("%q is no name, or there twice", name)
		}
		seen[name] = true
	}
}
