package explain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// tagCase is the answer under one assignment of the tags that matter.
type tagCase struct {
	judged
	tags  map[string]*string
	other bool // every tag is absent, or has a value that policy does not mention
}

// someOther is a tag value that no policy mentions.
const someOther = "some-other-value"

// maxCases bounds the combinations that are tried.
const maxCases = 64

// cases decides the call under every value of those tags that matters.
func (q *inquiry) cases(ctx context.Context, j judged, names []string) ([]tagCase, error) {
	if len(names) == 0 {
		return nil, nil
	}
	assignments := []map[string]*string{{}}
	for _, name := range names {
		choices := []*string{nil} // first what nobody mentions: the number is bounded
		for _, v := range append([]string{someOther}, q.mentioned(j, name)...) {
			choices = append(choices, &v)
		}
		var longer []map[string]*string
		for _, a := range assignments {
			for _, choice := range choices {
				if len(longer) < maxCases {
					b := maps.Clone(a)
					b[name] = choice
					longer = append(longer, b)
				}
			}
		}
		assignments = longer
	}
	var cases []tagCase
	for _, tags := range assignments {
		s := j.situation
		c := tagCase{tags: tags, other: true}
		for name, value := range tags {
			s = s.withTag(name, value)
			c.other = c.other && (value == nil || *value == someOther)
		}
		var err error
		if c.judged, err = q.ask(ctx, s); err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// undecidedTags are the unknown tags on which the answer depends, sorted. There
// are none if nothing could be allowed whatever the tags are.
func undecidedTags(j judged) []string {
	d := j.preview.Decision
	if !d.Possible(j.preview.Request) {
		return nil
	}
	var keys []string
	for _, a := range d.Accesses {
		if a.Verdict != authz.Allowed {
			keys = append(keys, a.Needs...)
		}
	}
	for _, deny := range d.Denies {
		keys = append(keys, deny.Needs...)
	}
	byFold := map[string]string{}
	for _, key := range keys {
		if name, ok := tagName(key); ok && name != "*" && byFold[strings.ToLower(name)] == "" {
			byFold[strings.ToLower(name)] = name
		}
	}
	return slices.Sorted(maps.Values(byFold))
}

// mentioned are the values of a tag that the persona's documents compare with
// it, and every string among the settings of the guardrails that denied.
func (q *inquiry) mentioned(j judged, tag string) []string {
	found := map[string]bool{}
	for _, n := range library(j.persona()) {
		for _, block := range n.body.Condition {
			for key, wanted := range block {
				if name, ok := tagName(key); ok && strings.EqualFold(name, tag) {
					for _, v := range wanted {
						found[instance(v)] = true
					}
				}
			}
		}
	}
	states, err := q.Guardrails(j.persona().Guardrails)
	for _, deny := range j.preview.Decision.Denies {
		if state, ok := guardrailOf(states, deny.Code); ok && err == nil {
			for _, v := range texts(state.Settings) {
				found[v] = true
			}
		}
	}
	maps.DeleteFunc(found, func(v string, _ bool) bool {
		return v == "" || strings.EqualFold(v, tag) || strings.Contains(v, "${") || len(v) > 256
	})
	return slices.Sorted(maps.Keys(found))
}

// instance is a value that a pattern with wildcards matches.
func instance(pattern string) string {
	return strings.NewReplacer("*", "", "?", "x").Replace(pattern)
}

// texts are the strings in a JSON value.
func texts(value any) (all []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			all = append(all, texts(one)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, texts(v[key])...)
		}
	}
	return all
}

// outcomes groups cases by their answer. What holds for tags that nobody
// mentions, if it is the same when they are absent, stands last as "otherwise".
func outcomes(cases []tagCase) []Outcome {
	rest := map[string]bool{}
	for _, c := range cases {
		if c.other {
			rest[reason(c.judged)] = true
		}
	}
	var out []Outcome
	var otherwise *Outcome
	for _, c := range cases {
		why := reason(c.judged)
		if len(rest) == 1 && rest[why] {
			otherwise = &Outcome{Allow: c.allowed(), Reason: why}
			continue
		}
		i := slices.IndexFunc(out, func(o Outcome) bool { return o.Reason == why })
		if i < 0 {
			out = append(out, Outcome{Allow: c.allowed(), Reason: why})
			i = len(out) - 1
		}
		out[i].If = append(out[i].If, c.String())
	}
	if otherwise != nil {
		out = append(out, *otherwise)
	}
	return out
}

// String names a case: "Environment=production".
func (c tagCase) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.tags)) {
		switch value := c.tags[name]; {
		case value == nil:
			parts = append(parts, "no tag "+name)
		case *value == someOther:
			parts = append(parts, "any other "+name)
		default:
			parts = append(parts, name+"="+*value)
		}
	}
	return strings.Join(parts, " and ")
}

// reason says in one line what decided.
func reason(j judged) string {
	if j.allowed() {
		return "allowed"
	}
	d := j.preview.Decision
	if d.Allow {
		return "allowed by policy, but " + j.lend.Error()
	}
	var by []string
	for _, deny := range d.Denies {
		by = append(by, "guardrail "+deny.Code)
	}
	for i, a := range d.Accesses {
		switch {
		case a.Verdict == authz.Allowed || j.preview.Request.Accesses[i].Optional:
		case a.Verdict == authz.ExplicitDeny && len(a.Statements) > 0 && !a.Hopeless():
			by = append(by, a.Statements...)
		default:
			by = append(by, fmt.Sprintf("no Allow of the %s policy", a.Layer))
		}
	}
	slices.Sort(by)
	return "refused by " + strings.Join(slices.Compact(by), ", ")
}
