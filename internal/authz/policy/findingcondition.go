package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/reference"
)

// conditions warns of keys that AWS does not have, and of tests that come out
// otherwise than they read.
func (r *reviewer) conditions(v reviewed) {
	all := v.operators()
	for _, o := range all {
		for _, name := range slices.Sorted(maps.Keys(o.keys)) {
			place := o.place + "." + name
			if key, ok := r.key(place, name); ok {
				r.carried(v, o, place, name, key)
				if key.Many && o.set == "" && o.bare != "null" {
					r.warn(place, "a request may carry several values of %s, and then %s never matches; write ForAnyValue:%s or ForAllValues:%s", name, o.name, o.name, o.name)
				}
			}
			if v.allows && o.set == "ForAllValues:" && !present(all, name) {
				r.warn(place, `ForAllValues is true, too, for a request without %s, so this allows it; add "Null": {%q: "false"}`, name, name)
			}
			if !v.allows && o.bare == "stringlike" && isTag(name) && !anyWild(placedTexts(place, o.keys[name])) {
				r.warn(place, "without a wildcard StringLike compares exactly, case included, so another spelling of the value is not denied; write StringEqualsIgnoreCase")
			}
		}
	}
}

// key finds the condition key, or warns that AWS has none of that name.
func (r *reviewer) key(place, name string) (reference.Key, bool) {
	if key, ok := reference.FindKey(name); ok {
		return key, true
	}
	prefix, rest, _ := strings.Cut(name, ":")
	if family, ok := reference.FindKey(strings.TrimSuffix(name, "/") + "/x"); ok && family.Family() != "" && !strings.Contains(strings.TrimSuffix(rest, "/"), "/") {
		r.warn(place, "%s wants a name behind it, such as %sEnvironment; as it is, no request carries it", name, family.Family())
		return reference.Key{}, false
	}
	switch {
	case strings.EqualFold(prefix, "aws") || reference.Detailed(prefix):
		r.warn(place, "%s is no condition key that AWS has%s", name, meant(reference.NearestKey(name)))
	case !strings.Contains(prefix, ".") && !reference.HasService(prefix):
		// Identity providers have keys under names of their own.
		if near := reference.NearestService(prefix); near != "" {
			r.warn(place, "%s: AWS has no service %s%s", name, prefix, meant(near))
		}
	}
	return reference.Key{}, false
}

// carried warns of a key that no request for the statement's actions carries.
func (r *reviewer) carried(v reviewed, o operator, place, name string, key reference.Key) {
	if !v.sure || slices.ContainsFunc(v.all, func(a reference.Action) bool { return a.Carries(name) }) {
		return
	}
	about := "no action of the statement"
	if len(v.all) == 1 {
		about = "no request for " + v.all[0].Name
	}
	switch {
	case o.bare == "null":
		r.warn(place, "%s carries %s, so the answer is always the same", about, name)
	case o.holdsWhenAbsent():
		r.warn(place, "%s carries %s, so %s always holds; remove it, or take a key that the action has", about, name, o.name)
	case v.allows:
		r.warn(place, "%s carries %s, so this never allows anything; take a key that the action has", about, name)
	default:
		r.warn(place, "%s carries %s, so this never denies anything; take a key that the action has", about, name)
	}
}

// present: another operator of the statement demands the key.
func present(all []operator, name string) bool {
	for _, o := range all {
		for key, value := range o.keys {
			if !strings.EqualFold(key, name) {
				continue
			}
			if o.bare == "null" {
				if texts := placedTexts("", value); len(texts) == 1 && strings.EqualFold(texts[0].text, "false") {
					return true
				}
			} else if !o.holdsWhenAbsent() {
				return true
			}
		}
	}
	return false
}

func isTag(key string) bool {
	family, _, found := strings.Cut(strings.ToLower(key), "/")
	return found && strings.HasSuffix(family, "tag")
}

func anyWild(texts []placed) bool {
	return slices.ContainsFunc(texts, func(p placed) bool { return strings.ContainsAny(p.text, "*?") || variableForm.MatchString(p.text) })
}
