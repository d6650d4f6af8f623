package explain

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// situation is all that decides about one call and can be changed. It is a
// value: a change makes another one.
type situation struct {
	caller   mcp.Caller
	personas map[string]policy.Persona
	id       string // of the personas, since compiled policy is kept by it
	facts    mcp.FactReader
	// tags replace those that facts give; nil is no tag of that name.
	tags    map[string]*string
	adjusts []adjust
}

// adjust is a change of the call itself, made to each access.
type adjust struct {
	id    string
	apply func(authz.Access) authz.Access
}

// key is equal for situations in which the answer is the same.
func (s situation) key() string {
	parts := []string{s.caller.Persona, s.id}
	for _, name := range slices.Sorted(maps.Keys(s.tags)) {
		value := "absent"
		if s.tags[name] != nil {
			value = "=" + *s.tags[name]
		}
		parts = append(parts, name, value)
	}
	for _, a := range s.adjusts {
		parts = append(parts, a.id)
	}
	return strings.Join(parts, "\x00")
}

// persona is the caller's.
func (s situation) persona() policy.Persona { return s.personas[s.caller.Persona] }

// withPersona returns s with the caller's persona replaced.
func (s situation) withPersona(p policy.Persona, id string) situation {
	s.personas = maps.Clone(s.personas)
	s.personas[s.caller.Persona] = p
	s.id += "\n" + s.caller.Persona + " " + id
	return s
}

func (s situation) withTag(name string, value *string) situation {
	s.tags = maps.Clone(s.tags)
	if s.tags == nil {
		s.tags = map[string]*string{}
	}
	s.tags[name] = value
	return s
}

func (s situation) withAdjust(id string, f func(authz.Access) authz.Access) situation {
	s.adjusts = append(slices.Clone(s.adjusts), adjust{id, f})
	return s
}

// adjusted is the resolution with what s says about its accesses.
func (s situation) adjusted(r *catalog.Resolution) *catalog.Resolution {
	out := *r
	out.Accesses = s.retagged(r.Accesses)
	for i, a := range out.Accesses {
		for _, f := range s.adjusts {
			a = f.apply(a)
		}
		out.Accesses[i] = a
	}
	return &out
}

// Fill is the gate's look-up of facts, in this situation.
func (s situation) Fill(ctx context.Context, accesses []authz.Access) (filled []authz.Access, problems []string) {
	filled = slices.Clone(accesses)
	if s.facts != nil {
		filled, problems = s.facts.Fill(ctx, accesses)
	}
	if s.tags == nil {
		return filled, problems
	}
	given := map[string]string{}
	for name, value := range s.tags {
		if value != nil {
			given[name] = *value
		}
	}
	return s.retagged(facts.Assume(filled, given)), problems
}

// Forget has nothing to forget.
func (s situation) Forget() {}

// tagPrefixes are the condition keys that carry tags of what an access is about.
var tagPrefixes = []string{"aws:ResourceTag/", "ecs:ResourceTag/", authz.SubjectTag}

// tagName returns the tag that a condition key is about.
func tagName(key string) (string, bool) {
	for _, prefix := range tagPrefixes {
		if len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) {
			return key[len(prefix):], true
		}
	}
	return "", false
}

// retagged replaces tags of accesses whose tags are known.
func (s situation) retagged(accesses []authz.Access) []authz.Access {
	out := slices.Clone(accesses)
	for i, a := range out {
		for name, value := range s.tags {
			a = retag(a, name, value)
		}
		out[i] = a
	}
	return out
}

func retag(a authz.Access, name string, value *string) authz.Access {
	context := maps.Clone(a.Context)
	for _, prefix := range tagPrefixes {
		if !knowsTags(a, prefix, name) {
			continue
		}
		maps.DeleteFunc(context, func(key string, _ authz.Value) bool { return strings.EqualFold(key, prefix+name) })
		if value != nil {
			context[prefix+name] = authz.One(*value)
		}
	}
	a.Context = context
	return a
}

// knowsTags reports whether the access's tags of that prefix are known, so that
// one that is not there is absent.
func knowsTags(a authz.Access, prefix, name string) bool {
	if a.IsUnknown(prefix+name) || a.Creates {
		return false
	}
	for key := range a.Context {
		if len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) {
			return true
		}
	}
	switch prefix {
	case "aws:ResourceTag/":
		return a.Taggable
	case "ecs:ResourceTag/":
		return a.Taggable && strings.HasPrefix(a.Action, "ecs:")
	}
	return a.Subject != ""
}

// seen finds a key of an access as IAM does, without regard to case.
func seen(a authz.Access, key string) ([]string, bool) {
	for k, v := range a.Context {
		if strings.EqualFold(k, key) && len(v.Values) > 0 {
			return v.Values, true
		}
	}
	return nil, false
}
