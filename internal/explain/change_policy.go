package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// personaChanges are the other personas of the configuration.
func (q *inquiry) personaChanges(j judged) (all []Change) {
	for _, name := range slices.Sorted(maps.Keys(q.Callers)) {
		if name == j.caller.Persona || j.caller.Persona != q.Persona || q.recorded != nil && q.Callers[name].Env.Account != j.caller.Env.Account {
			continue
		}
		all = append(all, Change{Kind: "persona", cost: costPersona, id: "persona " + name,
			Text: fmt.Sprintf("persona %s instead; who has it is said under principals", name), Persona: name,
			apply: func(s situation) (situation, error) {
				principal := s.caller.Principal
				s.caller = q.Callers[name]
				s.caller.Principal = principal
				return s, nil
			}})
	}
	return all
}

// suggested is the statement of a suggestion, ready to paste.
type suggested struct {
	Sid       string
	Effect    string
	Action    any
	Resource  any
	Condition map[string]map[string]any `json:",omitempty"`
}

// statementChanges add to a layer what it lacks: exactly the actions on exactly
// the resources, with the conditions that a session policy would have.
func (q *inquiry) statementChanges(j judged) (all []Change) {
	lacking, asks := map[string][]authz.Access{}, map[string][]string{}
	for _, r := range refusals(j) {
		for _, c := range r.conditions() {
			if c.of.effect == "Allow" && c.State != Met {
				asks[r.Layer] = append(asks[r.Layer], fmt.Sprintf("%s allows it only if %s %s %s", c.of.Name, c.Key, c.Operator, strings.Join(c.Wanted, " or ")))
			}
		}
		switch {
		case r.Verdict == authz.ImplicitDeny:
			lacking[r.Layer] = append(lacking[r.Layer], r.Access.Access)
		case r.Hopeless: // what else denies it is unknown; first of all nothing allows it
			lacking["identity"] = append(lacking["identity"], r.Access.Access)
		}
	}
	for _, layer := range []string{"identity", "boundary", "mcp"} {
		if len(lacking[layer]) == 0 {
			continue
		}
		statements, err := statementsFor(lacking[layer], j.caller.Env.Region)
		if err != nil {
			continue // such an access cannot be lent either
		}
		text, err := json.Marshal(statements)
		if err != nil {
			continue
		}
		all = append(all, Change{Kind: "statement", cost: costStatement, id: "statement " + layer + " " + string(text), Layer: layer, Statements: text,
			Text: fmt.Sprintf("add this to %s", documentsOf(j.persona(), layer)), Protects: onPurpose(asks[layer]),
			apply: func(s situation) (situation, error) {
				document, err := policy.ReadDocument("suggested", []byte(`{"Version":"2012-10-17","Statement":`+string(text)+`}`))
				if err != nil {
					return s, err
				}
				p := s.persona()
				add := map[string]*[]policy.Document{"identity": &p.Identity, "boundary": &p.Boundary, "mcp": &p.MCP}[layer]
				document.Name = fmt.Sprintf("suggested-%d", len(*add))
				*add = append(slices.Clone(*add), document)
				return s.withPersona(p, layer+string(text)), nil
			}})
	}
	return all
}

// onPurpose says which conditions a statement without them would get round.
func onPurpose(asks []string) string {
	slices.Sort(asks)
	if asks = slices.Compact(asks); len(asks) == 0 {
		return ""
	}
	return strings.Join(asks, "; ") + "; this would get round that"
}

// documentsOf names where a statement could go.
func documentsOf(p policy.Persona, layer string) string {
	documents := map[string][]policy.Document{"identity": p.Identity, "boundary": p.Boundary, "mcp": p.MCP}[layer]
	word := map[string]string{"identity": "identity policy", "boundary": "permissions boundary", "mcp": "mcp document"}[layer]
	own, built := []string{}, policy.BuiltinNames()
	for _, d := range documents {
		if !slices.Contains(built, d.Name) {
			own = append(own, d.Name)
		}
	}
	if len(own) > 0 {
		return "the persona's " + word + " " + strings.Join(own, " or ")
	}
	return "a document of your own in the persona's list " + layer + " (its " + word + " is built in)"
}

// statementsFor lets the session policy compiler write the Allow statements of
// accesses, and joins those that differ in their resources only.
func statementsFor(accesses []authz.Access, region string) ([]suggested, error) {
	var all []suggested
	for _, a := range accesses {
		if a.IsMCP() {
			all = append(all, suggested{Effect: "Allow", Action: a.Action, Resource: a.Resource})
			continue
		}
		text, err := grant.Compile([]grant.Item{{Access: a}}, region, time.Unix(0, 0))
		if err != nil {
			return nil, err
		}
		var document struct{ Statement []suggested }
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			return nil, err
		}
		for _, s := range document.Statement {
			if s.Effect == "Allow" {
				all = append(all, s)
			}
		}
	}
	all = joined(all, func(s *suggested) *any { return &s.Resource })
	all = joined(all, func(s *suggested) *any { return &s.Action })
	for i := range all {
		all[i].Sid = fmt.Sprintf("Suggested%d", i+1)
	}
	return all, nil
}

// joined merges statements that are equal but for one member.
func joined(all []suggested, member func(*suggested) *any) (out []suggested) {
	at := map[string]int{}
	for _, s := range all {
		rest := s
		*member(&rest) = nil
		key, err := json.Marshal(rest)
		i, ok := at[string(key)]
		if err != nil || !ok {
			at[string(key)] = len(out)
			out = append(out, s)
			continue
		}
		*member(&out[i]) = append(listOf(*member(&out[i])), listOf(*member(&s))...)
	}
	return out
}

func listOf(value any) []any {
	if list, ok := value.([]any); ok {
		return slices.Clone(list)
	}
	return []any{value}
}

// regionChanges are the regions that the statements in question name.
func (q *inquiry) regionChanges(j judged) (all []Change) {
	if q.InRegion == nil || q.recorded != nil {
		return nil
	}
	for _, r := range refusals(j) {
		for _, c := range r.conditions() {
			if !strings.EqualFold(c.Key, "aws:RequestedRegion") {
				continue
			}
			for _, region := range c.Wanted {
				if region == j.caller.Env.Region || strings.ContainsAny(region, "*?$") {
					continue
				}
				all = append(all, Change{Kind: "region", cost: costRegion, id: "region " + region,
					Text: fmt.Sprintf("operate %s (aws.region), if that is where the resources are", region), Region: region,
					apply: func(s situation) (situation, error) {
						callers, personas, err := q.InRegion(region)
						if err != nil {
							return s, err
						}
						principal := s.caller.Principal
						s.caller = callers[s.caller.Persona]
						s.caller.Principal = principal
						s.personas, s.id = personas, s.id+"\nregion "+region
						return s, nil
					}})
			}
		}
	}
	return all
}

// compileAll compiles one policy in which each of several personas is a variant
// of the caller's, and returns which of them allow the call. It is a sieve: what
// passes is decided again under the persona's own name.
func (q *inquiry) compileAll(ctx context.Context, j judged, variants []policy.Persona, id string) ([]bool, error) {
	s := j.situation
	s.personas = maps.Clone(s.personas)
	for i, p := range variants {
		s.personas[variantName(j, i)] = p
	}
	s.id += "\nvariants " + id
	passed := make([]bool, len(variants))
	for i := range variants {
		one := s
		one.caller.Persona = variantName(j, i)
		next, err := q.ask(ctx, one)
		if err != nil {
			return nil, err
		}
		passed[i] = next.allowed() || closer(j, next)
	}
	return passed, nil
}

func variantName(j judged, i int) string { return fmt.Sprintf("%s variant %d", j.caller.Persona, i) }
