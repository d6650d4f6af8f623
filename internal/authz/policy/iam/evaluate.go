package iam

import (
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Answer is the answer about all accesses of a call.
type Answer struct {
	// Allow: at least one access is allowed, and every one that is not optional.
	Allow bool `json:"allow"`
	// Accesses has one result for each access, in order.
	Accesses []authz.AccessResult `json:"accesses"`
}

// Evaluate answers accesses. An access that cannot be compared (an action that
// is none, a key in two spellings, a date that is none) is an error, and nothing
// is answered: the caller denies.
func (p *Policy) Evaluate(accesses []authz.Access) (Answer, error) {
	answer := Answer{Accesses: make([]authz.AccessResult, len(accesses))}
	var e evaluation
	allowed, refused := false, false
	for i := range accesses {
		result, err := e.evaluate(p, accesses[i])
		if err != nil {
			return Answer{}, err
		}
		answer.Accesses[i] = result
		allowed = allowed || result.Verdict == authz.Allowed
		refused = refused || result.Verdict != authz.Allowed && !accesses[i].Optional
	}
	answer.Allow = allowed && !refused
	return answer, nil
}

// evaluation is the working memory of one Evaluate.
type evaluation struct {
	env   environment
	about []*statement
	found []match
}

// match is a statement that names the access, with what its conditions say: it
// matches if it has no failing pair and no unknown keys, and might match if it
// has unknown keys only.
type match struct {
	*statement
	failing int
	near    *condition // the failing pair, if there is one only
	unknown []string
}

// judged is one layer's matches, sorted by what they say.
type judged struct {
	layer                             *layer
	denies, mayDeny, allows, mayAllow []match
	nearDenies, nearAllows            []match
}

func (e *evaluation) evaluate(p *Policy, access authz.Access) (authz.AccessResult, error) {
	if err := e.env.fill(access); err != nil {
		return authz.AccessResult{}, err
	}
	layers := p.layersOf(access.Action)
	var room [3]judged
	all := room[:0]
	for _, l := range layers {
		j, err := e.judge(l)
		if err != nil {
			return authz.AccessResult{}, err
		}
		all = append(all, j)
	}
	return outcome(all), nil
}

// judge compares the layer's statements with the access.
func (e *evaluation) judge(l *layer) (judged, error) {
	j := judged{layer: l}
	e.about = l.candidates(e.env.service, e.env.name).about(&e.env, e.about[:0])
	for _, s := range e.about {
		named, unknown := s.namesResource(&e.env)
		if !named {
			continue
		}
		m := match{statement: s, unknown: unknown}
		for i := range s.conditions {
			c := &s.conditions[i]
			holds, unknown, err := c.judge(&e.env)
			if err != nil {
				return j, err
			}
			switch {
			case len(unknown) > 0:
				m.unknown = append(m.unknown, unknown...)
			case !holds:
				m.failing++
				m.near = c
			}
		}
		j.add(m)
	}
	return j, nil
}

func (j *judged) add(m match) {
	certain := len(m.unknown) == 0
	switch {
	case m.failing == 1 && certain && m.deny:
		j.nearDenies = append(j.nearDenies, m)
	case m.failing == 1 && certain:
		j.nearAllows = append(j.nearAllows, m)
	case m.failing > 0:
	case m.deny && certain:
		j.denies = append(j.denies, m)
	case m.deny:
		j.mayDeny = append(j.mayDeny, m)
	case certain:
		j.allows = append(j.allows, m)
	default:
		j.mayAllow = append(j.mayAllow, m)
	}
}
