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
	tags   map[string]*string
	labels []string // in words, one for each tag
	other  bool     // no tag has a value that makes a difference
}

// axis is a tag and the values that are tried for it; nil is no such tag.
type axis struct {
	name   string
	values []*string
}

// someOther is a tag value that no policy mentions.
const someOther = "some-other-value"

// maxCases bounds the combinations that are tried.
const maxCases = 64

// cases decides the call under every value of those tags that matters. Values
// that make no difference are one case.
func (q *inquiry) cases(ctx context.Context, j judged, names []string) ([]tagCase, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var axes []axis
	most := maxCases
	for i, name := range names {
		a := axis{name, []*string{nil}}
		for _, v := range append([]string{someOther}, q.mentioned(j, name)...) {
			a.values = append(a.values, &v)
		}
		room := max(2, most>>(len(names)-1-i)) // leaves every later tag its two: absent, and some other
		a.values = a.values[:min(len(a.values), room)]
		most = max(1, most/len(a.values))
		axes = append(axes, a)
	}
	var cases []tagCase
	for _, at := range combinations(axes) {
		s, c := j.situation, tagCase{tags: map[string]*string{}}
		for k, i := range at {
			c.tags[axes[k].name] = axes[k].values[i]
			s = s.withTag(axes[k].name, axes[k].values[i])
		}
		var err error
		if c.judged, err = q.ask(ctx, s); err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return grouped(axes, cases), nil
}

// combinations lists the indices of every combination of values, the last axis
// turning fastest.
func combinations(axes []axis) [][]int {
	all := [][]int{nil}
	for _, a := range axes {
		var longer [][]int
		for _, at := range all {
			for i := range a.values {
				longer = append(longer, append(slices.Clone(at), i))
			}
		}
		all = longer
	}
	return all
}

// grouped keeps one case of those that differ only in values which make no difference.
func grouped(axes []axis, cases []tagCase) (out []tagCase) {
	all := combinations(axes)
	classes := make([]map[int][]int, len(axes)) // of each axis: the values like the first of them
	for k, a := range axes {
		signatures, first := map[string]int{}, map[int][]int{}
		for i := range a.values {
			var signature []string
			for n, at := range all {
				if at[k] == i {
					signature = append(signature, reason(cases[n].judged))
				}
			}
			key := strings.Join(signature, "\n")
			if _, ok := signatures[key]; !ok {
				signatures[key] = i
			}
			first[signatures[key]] = append(first[signatures[key]], i)
		}
		classes[k] = first
	}
	for n, at := range all {
		c, isFirst := cases[n], true
		c.other = true
		for k, i := range at {
			class := classes[k][i]
			if isFirst = isFirst && class != nil; !isFirst {
				break
			}
			label, other := axes[k].label(class)
			c.labels, c.other = append(c.labels, label), c.other && other
		}
		if isFirst {
			out = append(out, c)
		}
	}
	return out
}

// label names values of a tag; other: what nobody mentions is among them.
func (a axis) label(class []int) (label string, other bool) {
	var mentioned []string
	absent, some := false, false
	for _, i := range class {
		switch v := a.values[i]; {
		case v == nil:
			absent = true
		case *v == someOther:
			some = true
		default:
			mentioned = append(mentioned, *v)
		}
	}
	switch {
	case some && absent:
		return "any other " + a.name + " or none", true
	case some:
		return "any other " + a.name, true
	case absent && len(mentioned) == 0:
		return "no tag " + a.name, true
	case absent:
		return fmt.Sprintf("%s=%s or no such tag", a.name, strings.Join(mentioned, " or ")), true
	}
	return a.name + "=" + strings.Join(mentioned, " or "), false
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
func (c tagCase) String() string { return strings.Join(c.labels, " and ") }

// exactly names the values that a case was decided under.
func (c tagCase) exactly() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.tags)) {
		label, _ := axis{name, []*string{c.tags[name]}}.label([]int{0})
		parts = append(parts, label)
	}
	return strings.Join(parts, " and ")
}

// reason says in one line what decided.
func reason(j judged) string {
	if j.allowed() {
		return "allowed"
	}
	d := j.preview.Decision
	if d.Allow && j.hidden {
		return "refused because the tool is not listed to persona " + j.caller.Persona
	}
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
