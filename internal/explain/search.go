package explain

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// Bounds of the search.
const (
	maxDepth       = 3 // changes that are made together
	maxSuggestions = 5
	maxTogether    = 3 // suggestions of more than one change
)

// search returns the smallest changes that let the call go ahead, the smallest
// first. Each was decided again with the change made. Several are only looked
// for if no single one suffices. settled: what the tags would have to be is said
// elsewhere already.
func (q *inquiry) search(ctx context.Context, j judged, settled bool) ([]Suggestion, error) {
	for depth := 1; depth <= maxDepth; depth++ {
		found, err := q.reach(ctx, j, depth)
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
		found = distinct(found)
		most := maxSuggestions
		if depth > 1 {
			most = maxTogether
		}
		if settled {
			found = slices.DeleteFunc(found, func(s Suggestion) bool { return len(s.Changes) == 1 && s.Changes[0].Kind == "tag" })
			return found[:min(most, len(found))], nil
		}
		if len(found) > 0 || errors.Is(err, errEnough) {
			return found[:min(most, len(found))], nil
		}
	}
	return nil, nil
}

// reach finds exactly depth changes that together allow the call.
func (q *inquiry) reach(ctx context.Context, j judged, depth int) (found []Suggestion, err error) {
	changes, err := q.candidates(ctx, j)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		s, err := c.apply(j.situation)
		if err != nil {
			continue // it cannot be made here
		}
		next, err := q.ask(ctx, s)
		switch {
		case errors.Is(err, errEnough), ctx.Err() != nil:
			return found, cmp.Or(context.Cause(ctx), err)
		case err != nil:
			if class, detail := mcp.Class(err); class == "policy" { // it may allow, and nobody knows
				q.untried = "not every change could be tried, so a smaller one may exist (" + detail + "); ask again when this machine is less busy"
			}
			continue
		case next.allowed():
			if depth == 1 {
				found = append(found, Suggestion{[]Change{c}})
			}
		case depth > 1 && closer(j, next):
			rest, err := q.reach(ctx, next, depth-1)
			for _, r := range rest {
				found = append(found, Suggestion{append([]Change{c}, r.Changes...)})
			}
			if err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// closer reports whether something that refused in before no longer does.
func closer(before, after judged) bool {
	left := obstacles(after)
	return slices.ContainsFunc(obstacles(before), func(o string) bool { return !slices.Contains(left, o) })
}

// obstacles names everything that refuses.
func obstacles(j judged) (all []string) {
	d := j.preview.Decision
	for _, deny := range d.Denies {
		all = append(all, deny.Code+" "+deny.Message)
	}
	for i, a := range d.Accesses {
		asked := j.preview.Request.Accesses[i]
		if a.Verdict != authz.Allowed && !asked.Optional {
			all = append(all, strings.Join(append([]string{asked.Action, asked.Resource, a.Verdict.String(), a.Layer, map[bool]string{true: "hopeless"}[a.Hopeless()]}, a.Statements...), " "))
		}
	}
	return all
}

// distinct sorts by size and leaves out what is there already, in whatever order.
func distinct(all []Suggestion) (out []Suggestion) {
	cost := func(s Suggestion) (sum int) {
		for _, c := range s.Changes {
			sum += c.cost
		}
		return sum
	}
	slices.SortStableFunc(all, func(a, b Suggestion) int { return cost(a) - cost(b) })
	seen := map[string]bool{}
	for _, s := range all {
		var ids []string
		for _, c := range s.Changes {
			ids = append(ids, c.id)
		}
		slices.Sort(ids)
		if id := strings.Join(ids, "\n"); !seen[id] && len(slices.Compact(ids)) == len(s.Changes) {
			seen[id] = true
			out = append(out, s)
		}
	}
	return out
}

// candidates are the single changes that might help, the smallest first.
func (q *inquiry) candidates(ctx context.Context, j judged) (all []Change, err error) {
	tags, err := q.tagChanges(ctx, j)
	if err != nil {
		return nil, err
	}
	settings, err := q.settingChanges(ctx, j)
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	all = slices.Concat(tags, q.valueChanges(j), q.resourceChanges(j), q.personaChanges(j), settings,
		q.statementChanges(j), q.regionChanges(j), q.guardrailChanges(j))
	slices.SortStableFunc(all, func(a, b Change) int { return a.cost - b.cost })
	return all, nil
}

// refusals are the accesses that refuse the call, with their index.
func refusals(j judged) (all []refusal) {
	documents := library(j.persona())
	described := accesses(j.preview.Request.Accesses, j.preview.Decision.Accesses, documents)
	for i, a := range described {
		if a.Verdict != authz.Allowed && !a.Optional {
			all = append(all, refusal{i, a})
		}
	}
	return all
}

type refusal struct {
	index int
	Access
}

// conditions are those that the refusal hangs on: of the statements that denied
// it, and the one that kept an Allow from applying.
func (r refusal) conditions() (all []hangsOn) {
	for _, s := range r.Statements {
		for _, c := range s.Conditions {
			all = append(all, hangsOn{c, s})
		}
	}
	for _, n := range r.Near {
		all = append(all, hangsOn{n.Condition, n.Statement})
	}
	return all
}

// hangsOn is a condition and the statement it stands in.
type hangsOn struct {
	Condition
	of Statement
}

// change costs, the smallest change first.
const (
	costTag = iota + 1
	costValue
	costResource
	costPersona
	costSetting
	costStatement
	costRegion
	costGuardrail = 20
)
