package facts

import (
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// want is what an access lacks of one resource: its tags, with the beginnings of
// the condition keys that they are to become, and which resource is meant at all.
type want struct {
	target
	prefixes []string
	revision bool // the access is on the latest revision of a family
	roles    bool // the access is on the roles of a task definition
}

// wants lists what an access lacks. Of its resource: the tags, under every name
// that AWS has for them ("aws:ResourceTag/", "ecs:ResourceTag/"), and the revision
// of a family. Of its subject: the tags, under the proxy's own name, and the roles
// of a task definition. The catalogue lists them as unknown.
func wants(a authz.Access) []want {
	w := want{target: parse(a.Resource), revision: a.IsUnknown(authz.LatestRevision)}
	for _, u := range a.Unknown {
		if prefix, ok := strings.CutSuffix(u, "*"); ok && strings.HasSuffix(prefix, ":ResourceTag/") {
			w.prefixes = append(w.prefixes, prefix)
		}
	}
	s := want{target: parse(a.Subject), roles: a.IsUnknown(authz.TaskRole) || a.IsUnknown(authz.ExecutionRole)}
	if slices.Contains(a.Unknown, authz.SubjectTag+"*") {
		s.prefixes = []string{authz.SubjectTag}
	}
	var list []want
	for _, w := range []want{w, s} {
		switch {
		case w.kind == "", len(w.prefixes) == 0 && !w.revision && !w.roles:
		case w.isFamily() && !w.revision && !w.roles: // whose tags, nobody can say
		default:
			list = append(list, w)
		}
	}
	return list
}

// withTags makes the keys that begin with the prefixes known: present if there
// is such a tag, else absent.
func withTags(a authz.Access, prefixes []string, tags map[string]string) authz.Access {
	a.Unknown = slices.DeleteFunc(slices.Clone(a.Unknown), func(u string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool {
			return len(u) >= len(p) && strings.EqualFold(u[:len(p)], p)
		})
	})
	a.Context = maps.Clone(a.Context)
	if a.Context == nil {
		a.Context = map[string]authz.Value{}
	}
	// Condition keys compare without case: of two tags that differ only in it,
	// nobody can say which value AWS will compare.
	twice := map[string]int{}
	for name := range tags {
		twice[strings.ToLower(name)]++
	}
	for _, prefix := range prefixes {
		for name, value := range tags {
			if twice[strings.ToLower(name)] > 1 {
				a.Unknown = append(a.Unknown, prefix+name)
				continue
			}
			a.Context[prefix+name] = authz.One(value)
		}
	}
	slices.Sort(a.Unknown)
	return a
}
