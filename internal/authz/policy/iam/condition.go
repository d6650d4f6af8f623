package iam

import (
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// condition is one (operator, key) pair of a statement's Condition. All of a
// statement's must hold for it to match.
type condition struct {
	name, key string // as written
	folded    string // the key in lower case
	null      bool   // the operator is Null
	operator  operator
	values    []text
	// plain are the values, if none has a variable.
	plain []string
}

// judge returns whether the condition holds; or the keys without which it has
// no answer.
func (c *condition) judge(env *environment) (holds bool, unknown []string, err error) {
	if env.isUnknown(c.folded) {
		return false, []string{c.key}, nil
	}
	patterns := c.plain
	if patterns == nil {
		var missing []string
		for _, value := range c.values {
			e := value.expand(env)
			unknown = append(unknown, e.unknown...)
			missing = append(missing, e.missing...)
			if len(e.missing) == 0 {
				patterns = append(patterns, e.text)
			}
		}
		if len(unknown) > 0 {
			return false, unknown, nil
		}
		// AWS's pages disagree on a variable without a value under a negated
		// operator. Unknown is right either way: a Deny fires, an Allow does not.
		if len(missing) > 0 && !c.null && c.operator.negated {
			return false, missing, nil
		}
	}
	value, present := env.present(c.folded)
	switch {
	case c.null:
		return isNull(patterns, present), nil, nil
	case present:
		holds, err = c.operator.holds(value, patterns)
		return holds, nil, err
	}
	return c.operator.holdsAbsent(), nil, nil
}

func isNull(patterns []string, present bool) bool {
	for _, pattern := range patterns {
		switch strings.ToLower(pattern) {
		case "true":
			if !present {
				return true
			}
		case "false":
			if present {
				return true
			}
		}
	}
	return false
}

// holds judges a key that is present. Without a set operator a multi-valued key
// matches nothing, negated or not.
// Source: IAM user guide, "Set operators for multivalued context keys".
func (o operator) holds(value authz.Value, patterns []string) (bool, error) {
	switch o.set {
	case forAllValues:
		for _, v := range value.Values {
			if ok, err := o.agrees(v, patterns); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case forAnyValue:
		for _, v := range value.Values {
			if ok, err := o.agrees(v, patterns); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	if value.Multi {
		return false, nil
	}
	return o.agrees(value.Values[0], patterns)
}

// holdsAbsent: IfExists does not help ForAnyValue, as there is no value that
// could agree.
func (o operator) holdsAbsent() bool {
	return o.set == forAllValues || o.set == noSet && (o.negated || o.ifExists)
}

// agrees: values of one key are alternatives; negated, none of them may match.
func (o operator) agrees(value string, patterns []string) (bool, error) {
	for _, pattern := range patterns {
		if ok, err := o.meets(value, pattern); ok || err != nil {
			return ok && !o.negated, err
		}
	}
	return o.negated, nil
}
