package fakeaws

import (
	"errors"
	"fmt"
	"strings"
)

// A condition is one key under one operator of a statement.
type condition struct {
	operator operator
	null     bool
	ifExists bool
	set      setPrefix
	key      string
	// want holds the policy's values; patterns the same, read, if the operator
	// is textual.
	want     []string
	patterns []pattern
}

type setPrefix byte

const (
	single setPrefix = iota
	forAll
	forAny
)

// parseOperator reads "ForAllValues:StringLikeIfExists" and the like.
func parseOperator(name string) (condition, error) {
	var c condition
	base := strings.ToLower(name)
	if rest, ok := strings.CutPrefix(base, "forallvalues:"); ok {
		c.set, base = forAll, rest
	} else if rest, ok := strings.CutPrefix(base, "foranyvalue:"); ok {
		c.set, base = forAny, rest
	}
	if rest, ok := strings.CutSuffix(base, "ifexists"); ok {
		c.ifExists, base = true, rest
	}
	op, ok := operators[base]
	if !ok {
		return condition{}, fmt.Errorf("unknown condition operator %q", name)
	}
	c.operator, c.null = op, base == nullOperator
	if c.null && (c.ifExists || c.set != single) {
		return condition{}, fmt.Errorf("condition operator %q: Null takes no prefix and no suffix", name)
	}
	return c, nil
}

// withValues returns c for one key and its values, or says which value the
// operator cannot compare.
func (c condition) withValues(key string, values []string, variables bool) (condition, error) {
	if key == "" || strings.ContainsAny(key, "*?$ ") {
		return condition{}, fmt.Errorf("%q is not a condition key", key)
	}
	if len(values) == 0 {
		return condition{}, errors.New("a condition key has no value")
	}
	c.key, c.want = key, values
	for _, v := range values {
		if !c.operator.textual {
			if err := c.operator.check(v); err != nil {
				return condition{}, err
			}
			continue
		}
		p, err := parsePattern(v, variables, c.operator.wild)
		if err != nil {
			return condition{}, err
		}
		c.patterns = append(c.patterns, p)
	}
	return c, nil
}

// holds reports whether the request satisfies the condition. An absent key
// satisfies a negated operator and IfExists; a multi-valued key satisfies no
// operator without a set prefix.
// Source: IAM User Guide, "Condition operators" and "Set operators for
// multi-valued context keys".
func (c condition) holds(k keys) bool {
	have, present := k.get(c.key)
	if c.null {
		for _, want := range c.want {
			if strings.EqualFold(want, "true") != present {
				return true
			}
		}
		return false
	}
	if c.unresolved(k) {
		return false
	}
	switch c.set {
	case forAll:
		for _, v := range have.values {
			if !c.accepts(v, k) {
				return false
			}
		}
		return true
	case forAny:
		for _, v := range have.values {
			if present && c.accepts(v, k) {
				return true
			}
		}
		return false
	}
	if !present {
		return c.ifExists || c.operator.negated
	}
	return !have.multi && c.accepts(have.values[0], k)
}

// accepts compares one value of the request with all values of the policy: one
// must match, or none if the operator is negated.
func (c condition) accepts(have string, k keys) bool {
	for i, want := range c.want {
		matched := false
		if c.operator.textual {
			atoms, ok := c.patterns[i].fill(k)
			matched = ok && c.operator.match(atoms, have)
		} else {
			matched = c.operator.compare(want, have)
		}
		if matched {
			return !c.operator.negated
		}
	}
	return c.operator.negated
}

// unresolved reports whether a negated operator compares with a variable that
// the request does not fill. IAM's pages conflict; such a condition does not
// hold here, so that an Allow cannot rest on it.
func (c condition) unresolved(k keys) bool {
	if !c.operator.negated {
		return false
	}
	for _, p := range c.patterns {
		if _, ok := p.fill(k); !ok {
			return true
		}
	}
	return false
}
