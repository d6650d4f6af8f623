package iam

import (
	"fmt"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// environment is what statements are compared with: one access, its names
// folded once.
type environment struct {
	service, name string // of the action, in lower case
	resource      string
	wide          bool // the resource has wildcards of its own
	keys          []contextKey
	unknown       []string // folded names
	prefixes      []string // folded, without the "*"
	// unsettled are the names of what would say which one of what a wide
	// resource stands for is meant. Without them all of it is meant.
	unsettled []string
}

type contextKey struct {
	name  string // folded
	value authz.Value
}

// fill makes e the environment of access. Two spellings of one key with
// different values, and an action that is not SERVICE:NAME, are errors.
func (e *environment) fill(access authz.Access) error {
	service, name, ok := strings.Cut(strings.ToLower(access.Action), ":")
	if !ok || strings.Contains(name, ":") {
		return fmt.Errorf("evaluate access: %q is not SERVICE:NAME", access.Action)
	}
	e.service, e.name, e.resource = service, name, access.Resource
	e.wide = hasWildcard(access.Resource) && !(access.Resource == "*" && access.Unscopable)
	e.keys, e.unknown, e.prefixes = e.keys[:0], e.unknown[:0], e.prefixes[:0]
	e.unsettled = e.unsettled[:0]
	for key, value := range access.Context {
		if !value.Multi && len(value.Values) != 1 {
			return fmt.Errorf("evaluate access: %s is single-valued and has %d values", key, len(value.Values))
		}
		folded := strings.ToLower(key)
		if other, ok := e.get(folded); ok && !sameValue(other, value) {
			return fmt.Errorf("evaluate access: the context has %s in two spellings", key)
		}
		e.keys = append(e.keys, contextKey{folded, value})
	}
	for _, key := range access.Unknown {
		folded := strings.ToLower(key)
		if prefix, ok := strings.CutSuffix(folded, "*"); ok {
			e.prefixes = append(e.prefixes, prefix)
		} else {
			e.unknown = append(e.unknown, folded)
		}
		if e.wide && authz.IsUnsettled(key) {
			e.unsettled = append(e.unsettled, key)
		}
	}
	return nil
}

func sameValue(a, b authz.Value) bool {
	if a.Multi != b.Multi || len(a.Values) != len(b.Values) {
		return false
	}
	for i := range a.Values {
		if a.Values[i] != b.Values[i] {
			return false
		}
	}
	return true
}

// get returns what the context says about a folded key, whether or not it has values.
func (e *environment) get(key string) (authz.Value, bool) {
	for i := range e.keys {
		if e.keys[i].name == key {
			return e.keys[i].value, true
		}
	}
	return authz.Value{}, false
}

// present: a multi-valued key without values is absent.
// Source: IAM user guide, "Set operators for multivalued context keys".
func (e *environment) present(key string) (authz.Value, bool) {
	value, ok := e.get(key)
	return value, ok && len(value.Values) > 0
}

// isUnknown: the context says nothing about the folded key, and nobody could
// look it up.
func (e *environment) isUnknown(key string) bool {
	if _, ok := e.get(key); ok {
		return false
	}
	for _, name := range e.unknown {
		if name == key {
			return true
		}
	}
	for _, prefix := range e.prefixes {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}
