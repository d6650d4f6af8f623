package explain

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// guardrailOf finds the guardrail that a reason's code is of: of its name, or
// of its name and more.
func guardrailOf(states map[string]policy.GuardrailState, code string) (found policy.GuardrailState, ok bool) {
	for name, state := range states {
		rest, begins := strings.CutPrefix(code, name)
		if begins && (rest == "" || strings.ContainsAny(rest[:1], ".:/_-")) && len(name) > len(found.Name) {
			found, ok = state, true
		}
	}
	return found, ok
}

// denying are the guardrails that deny in a situation whatever is unknown, each once.
func (q *inquiry) denying(j judged) (found []policy.GuardrailState) {
	states, err := q.Guardrails(j.persona().Guardrails)
	if err != nil {
		return nil
	}
	for _, deny := range j.preview.Decision.Denies {
		if len(deny.Needs) > 0 { // it wants to know, and does not deny by itself
			continue
		}
		if state, ok := guardrailOf(states, deny.Code); ok && !slices.ContainsFunc(found, func(f policy.GuardrailState) bool { return f.Name == state.Name }) {
			found = append(found, state)
		}
	}
	return found
}

// guardrailChanges switch a guardrail off, and say what it is for.
func (q *inquiry) guardrailChanges(j judged) (all []Change) {
	for _, g := range q.denying(j) {
		all = append(all, Change{Kind: "guardrail", cost: costGuardrail, id: "off " + g.Name,
			Text:     fmt.Sprintf("spare persona %s the guardrail: personas.%s.guardrails: {%s: off}", j.caller.Persona, j.caller.Persona, g.Name),
			Protects: purpose(g), Guardrails: map[string]any{g.Name: "off"},
			apply: func(s situation) (situation, error) { return s.withGuardrail(g.Name, "off"), nil }})
	}
	return all
}

func purpose(g policy.GuardrailState) string {
	if g.Description == "" {
		return g.Title
	}
	return g.Title + ": " + g.Description
}

func (s situation) withGuardrail(name string, value any) situation {
	p := s.persona()
	p.Guardrails = maps.Clone(p.Guardrails)
	if p.Guardrails == nil {
		p.Guardrails = policy.Guardrails{}
	}
	p.Guardrails[name] = value
	text, _ := json.Marshal(value)
	return s.withPersona(p, name+string(text))
}

// maxTaken is the length up to which a list is tried without one of its members.
const maxTaken = 5

// maxVariants bounds how many settings of one guardrail are tried.
const maxVariants = 80

// settingChanges are settings of the guardrails that deny under which they do
// not. They are not guessed: everything that the call names is tried in every
// list, switches the other way round.
func (q *inquiry) settingChanges(ctx context.Context, j judged) (all []Change, err error) {
	for _, g := range q.denying(j) {
		var variants []policy.Persona
		var settings []map[string]any
		var costs []int
		for _, key := range slices.Sorted(maps.Keys(g.Settings)) {
			for _, value := range q.otherSettings(j, g.Settings[key]) {
				if len(variants) < maxVariants {
					costs = append(costs, costOf(g.Settings[key], value))
					settings = append(settings, q.merged(j, g.Name, key, value))
					variants = append(variants, j.withGuardrail(g.Name, settings[len(settings)-1]).persona())
				}
			}
		}
		if len(variants) == 0 {
			continue
		}
		passed, err := q.compileAll(ctx, j, variants, g.Name)
		if err != nil {
			continue // a value that the guardrail cannot have
		}
		for i, ok := range passed {
			if !ok {
				continue
			}
			text, err := json.Marshal(map[string]any{g.Name: settings[i]})
			if err != nil {
				return nil, err
			}
			all = append(all, Change{Kind: "setting", cost: costs[i], id: "setting " + string(text),
				Text:     fmt.Sprintf("personas.%s.guardrails: %s", j.caller.Persona, text),
				Protects: purpose(g), Guardrails: map[string]any{g.Name: settings[i]},
				apply: func(s situation) (situation, error) { return s.withGuardrail(g.Name, settings[i]), nil }})
		}
	}
	return all[:min(len(all), 4)], nil
}

// costOf is what a setting costs: to take something off a list takes as much
// protection away as to switch the guardrail off.
func costOf(before, after any) int {
	old, isList := before.([]any)
	shorter, _ := after.([]any)
	if isList && len(shorter) < len(old) {
		return costGuardrail - 1
	}
	return costSetting
}

// merged is what the persona's configuration says about a guardrail, with one
// more setting.
func (q *inquiry) merged(j judged, name, key string, value any) map[string]any {
	out := map[string]any{}
	if given, ok := j.persona().Guardrails[name].(map[string]any); ok {
		out = maps.Clone(given)
	}
	out[key] = value
	return out
}

// otherSettings are values that a setting could have instead.
func (q *inquiry) otherSettings(j judged, value any) (others []any) {
	switch v := value.(type) {
	case bool:
		return []any{!v}
	case string:
		if v == "deny" {
			return []any{"allow"}
		}
	case []any:
		if len(v) <= maxTaken { // a list of what is refused, perhaps
			for i := range v {
				others = append(others, slices.Delete(slices.Clone(v), i, i+1))
			}
		}
		for _, word := range q.wordsOf(j) {
			if !slices.Contains(v, any(word)) {
				others = append(others, append(slices.Clone(v), word))
			}
		}
	case json.Number, float64:
		for _, n := range []int{len(j.preview.Request.Accesses), 2 * len(j.preview.Request.Accesses)} {
			if fmt.Sprint(n) != fmt.Sprint(v) {
				others = append(others, n)
			}
		}
	}
	return others
}

// wordsOf is everything that the call names: actions, ARNs, names, and what
// stands in its arguments.
func (q *inquiry) wordsOf(j judged) []string {
	found := map[string]bool{}
	for _, a := range j.preview.Request.Accesses {
		found[a.Action], found[a.Resource] = true, true
		found[a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]] = true
		for _, key := range []string{"aws:RequestedRegion", "iam:PassedToService", "iam:PolicyARN"} {
			values, _ := seen(a, key)
			for _, v := range values {
				found[v] = true
			}
		}
	}
	var arguments any
	if q.message != nil && json.Unmarshal(j.preview.Request.Call.Arguments, &arguments) == nil {
		for _, text := range texts(arguments) {
			found[text] = true
			host, rest, ok := strings.Cut(text, "/") // of an image
			if ok {
				found[host] = true
				name, _, _ := strings.Cut(rest, ":")
				name, _, _ = strings.Cut(name, "@")
				found[host+"/"+name] = true
			}
		}
	}
	delete(found, "")
	delete(found, "*")
	// The longer one names less: a repository before its registry.
	return slices.SortedFunc(maps.Keys(found), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}
