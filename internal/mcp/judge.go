package mcp

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// judgement is what policy was asked and answered. Its zero value denies.
type judgement struct {
	request  authz.Request // with the facts that were looked up
	decision authz.Decision
	pins     [][]grant.Pin // for each access, the facts that policy read
	problems []string      // look-ups that failed, for the record
}

// judge asks policy with the facts unknown, and again with the facts only if
// they could matter: a caller without rights learns nothing and costs nothing.
func (g *Gate) judge(ctx context.Context, m *wire.Message, r *catalog.Resolution) (j judgement, err error) {
	j.request = g.Request(m, r)
	policy, err := g.Policy(ctx)
	if err != nil {
		return j, policyError(err)
	}
	first, err := g.ask(ctx, policy, j.request)
	if err != nil {
		return j, policyError(err)
	}
	if first.Allow && !dependsOnFacts(first) && !unsettled(j.request) || !first.Possible(j.request) {
		j.decision = first
		return j, nil
	}
	before := j.request.Accesses
	end := g.timed(ctx, StageFacts)
	j.request.Accesses, j.problems = g.Facts.Fill(ctx, before)
	end()
	j.pins = pinned(before, j.request.Accesses, first)
	if j.decision, err = g.ask(ctx, policy, j.request); err != nil {
		j.decision = authz.Decision{}
		return j, policyError(err)
	}
	return j, nil
}

// ask asks policy about a call.
func (g *Gate) ask(ctx context.Context, policy Decider, r authz.Request) (authz.Decision, error) {
	defer g.timed(ctx, StageDecide)()
	return policy.Decide(ctx, r)
}

// Request is what policy is asked about a resolved call, before facts are looked up.
func (g *Gate) Request(m *wire.Message, r *catalog.Resolution) authz.Request {
	return authz.Request{Principal: g.Caller.Principal, Persona: g.Caller.Persona, Region: g.Caller.Env.Region, Account: g.Caller.Env.Account,
		Call: authz.Call{Method: m.Method, Server: g.Catalog.Server(), Tool: r.Tool, Operation: r.Operation,
			Write: r.Write, Sensitive: r.Sensitive, EscapesScope: r.EscapesScope, LeavesCredentials: r.LeavesCredentials, Arguments: m.Arguments},
		Accesses: r.Accesses}
}

// unevaluated is what a client is told when there is no decision to tell of.
const unevaluated = "policy could not be evaluated; that is the proxy's set-up, not the call, so other arguments will not help: tell whoever runs it"

func policyError(err error) *refusal { return &refusal{classPolicy, unevaluated, err.Error()} }

// dependsOnFacts: an optional access may be denied for want of a fact although
// the call as a whole is allowed, or a fact may lift an obligation.
func dependsOnFacts(d authz.Decision) bool {
	if slices.ContainsFunc(d.Obligations, func(o authz.Obligation) bool { return len(o.Needs) > 0 }) {
		return true
	}
	return slices.ContainsFunc(d.Accesses, func(a authz.AccessResult) bool {
		return a.Verdict != authz.Allowed && a.Possible
	})
}

// unsettled: a look-up would tell what exactly a call is about. It then decides
// and is granted on that, even if policy would allow all that it may be.
func unsettled(r authz.Request) bool { return slices.ContainsFunc(r.Accesses, authz.Access.Unsettled) }

// pinned lists, for each access, the facts that policy needed and got. What a
// guardrail needed is pinned on every access that has it: a guardrail does not
// say which of them it looked at.
func pinned(before, after []authz.Access, first authz.Decision) [][]grant.Pin {
	var read []string
	for _, deny := range first.Denies {
		read = append(read, deny.Needs...)
	}
	for _, o := range first.Obligations {
		read = append(read, o.Needs...)
	}
	pins := make([][]grant.Pin, len(after))
	for i := range min(len(before), len(after)) { // what is further on is a role's, and has none
		for _, key := range spelledOut(slices.Concat(first.Accesses[i].Needs, read), after[i].Context) {
			if !before[i].IsUnknown(key) || after[i].IsUnknown(key) || authz.IsUnsettled(key) {
				continue
			}
			value, ok := lookup(after[i].Context, key)
			pins[i] = append(pins[i], grant.Pin{Key: key, Value: value, Absent: !ok})
		}
	}
	return pins
}

// spelledOut puts the keys that were found in the place of "PREFIX/*", and
// leaves out a second spelling of a key.
func spelledOut(keys []string, found map[string]authz.Value) (out []string) {
	seen := map[string]bool{}
	add := func(key string) {
		if folded := strings.ToLower(key); !seen[folded] {
			seen[folded] = true
			out = append(out, key)
		}
	}
	for _, key := range keys {
		prefix, wide := strings.CutSuffix(key, "*")
		if !wide {
			add(key)
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(found)) {
			if len(k) >= len(prefix) && strings.EqualFold(k[:len(prefix)], prefix) {
				add(k)
			}
		}
	}
	return out
}

// lookup finds a key as IAM does, without regard to case.
func lookup(context map[string]authz.Value, key string) (string, bool) {
	for k, v := range context {
		if strings.EqualFold(k, key) && len(v.Values) == 1 {
			return v.Values[0], true
		}
	}
	return "", false
}
