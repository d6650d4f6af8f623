package reference

import (
	"strings"
)

// Action is one action of a detailed service.
type Action struct {
	Name string // "ecs:RunTask"
	// Types are patterns of the ARNs that the action is authorised on. Without
	// any it has no resource-level permission: only Resource "*" matches it.
	Types []string
	// Keys are the condition keys that requests for the action may carry, beside
	// those that every request may.
	Keys []Key
}

// Version names the data that the package stands on.
func Version() string { return read().version }

// HasService reports whether AWS has actions with the prefix.
func HasService(prefix string) bool { return read().known[strings.ToLower(prefix)] }

// Detailed reports whether the actions of the service are known one by one.
func Detailed(prefix string) bool {
	_, ok := read().detailed[strings.ToLower(prefix)]
	return ok
}

// Services returns the prefixes of all services, sorted.
func Services() []string { return append([]string(nil), read().services...) }

// Actions returns the actions that a pattern such as "ecs:De*" matches. It
// returns none for a service that is not [Detailed].
func Actions(pattern string) []Action {
	prefix, name, _ := strings.Cut(strings.ToLower(pattern), ":")
	load, ok := read().detailed[prefix]
	if !ok {
		return nil
	}
	s := load()
	if !strings.ContainsAny(name, "*?") {
		if i, ok := s.index[name]; ok {
			return s.actions[i : i+1 : i+1]
		}
		return nil
	}
	var matched []Action
	for _, a := range s.actions {
		if matches(name, strings.ToLower(a.Name[len(prefix)+1:])) {
			matched = append(matched, a)
		}
	}
	return matched
}

// Scopable reports whether the action has resource-level permission.
func (a Action) Scopable() bool { return len(a.Types) > 0 }

// On reports whether some resource that the pattern matches may be one that the
// action is authorised on. In doubt it may.
func (a Action) On(pattern string) bool {
	for _, t := range a.Types {
		if meetARN(pattern, t) {
			return true
		}
	}
	return false
}

// Carries reports whether a request for the action may carry the condition key.
func (a Action) Carries(key string) bool {
	for _, k := range a.Keys {
		if k.is(key) {
			return true
		}
	}
	k, ok := findIn(read().global, key)
	return ok && !k.listed()
}
