package facts

import (
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// want is a resource whose tags an access lacks, and the beginnings of the
// condition keys that they are to become.
type want struct {
	target
	prefixes []string
}

// wants lists what an access lacks: the tags of its resource, under every name
// that AWS has for them ("aws:ResourceTag/", "ecs:ResourceTag/"), and those of
// its subject, under the proxy's own. The catalogue lists them as unknown.
func wants(a authz.Access) []want {
	var list []want
	w := want{target: parse(a.Resource)}
	for _, u := range a.Unknown {
		if prefix, ok := strings.CutSuffix(u, "*"); ok && strings.HasSuffix(prefix, ":ResourceTag/") {
			w.prefixes = append(w.prefixes, prefix)
		}
	}
	if w.kind != "" && len(w.prefixes) > 0 {
		list = append(list, w)
	}
	w = want{target: parse(a.Subject), prefixes: []string{authz.SubjectTag}}
	if w.kind != "" && slices.Contains(a.Unknown, authz.SubjectTag+"*") {
		list = append(list, w)
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
