package facts

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// definition is what a task definition says beside its tags.
type definition struct {
	arn                     string // with its revision
	taskRole, executionRole string // ARN or name; "" is none
}

// fill puts what was found into an access. One on the latest revision of a family
// becomes one on that revision; one on the roles of a task definition becomes one
// on each of them, which may be none. That is not the call's own words, so what the
// caller may be told is kept beside it.
func fill(a authz.Access, found answers) []authz.Access {
	for _, w := range wants(a) {
		answer, ok := found[w.arn]
		if !ok {
			continue
		}
		a = withTags(a, w.prefixes, answer.tags)
		switch {
		case w.roles: // the subject's, which come last
			return passing(a, answer.definition)
		case w.revision:
			a = without(a, authz.LatestRevision)
			a.Named, a.Resource = a.Resource, answer.definition.arn
		}
	}
	return []authz.Access{a}
}

// passing: known roles are no longer something that the server can do without,
// since AWS checks them. A role that cannot be told stays unknown.
func passing(a authz.Access, d definition) (list []authz.Access) {
	doubtful := a
	for _, role := range []struct{ key, name string }{{authz.TaskRole, d.taskRole}, {authz.ExecutionRole, d.executionRole}} {
		if !a.IsUnknown(role.key) {
			continue // the call names another in its place
		}
		arn, ok := roleARN(d.arn, role.name)
		if !ok {
			continue
		}
		doubtful = without(doubtful, role.key)
		if arn == "" || slices.ContainsFunc(list, func(b authz.Access) bool { return b.Resource == arn }) {
			continue
		}
		b := without(a, authz.TaskRole, authz.ExecutionRole)
		b.Named, b.Resource, b.Optional = "a role of "+a.Subject, arn, false
		list = append(list, b)
	}
	if doubtful.Unsettled() {
		list = append(list, doubtful)
	}
	return list
}

// without takes keys off Unknown.
func without(a authz.Access, keys ...string) authz.Access {
	a.Unknown = slices.DeleteFunc(slices.Clone(a.Unknown), func(u string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, u) })
	})
	return a
}

// roleName is a role's path and name.
// Source: IAM API reference, CreateRole.
var roleName = regexp.MustCompile(`\A(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}\z`)

// roleARN makes the ARN of a role that a task definition names; "" is none. It is
// false for a role of another account, which cannot be passed, and for what is no role.
func roleARN(definition, role string) (string, bool) {
	if role == "" {
		return "", true
	}
	parts := strings.SplitN(definition, ":", 6)
	if len(parts) != 6 {
		return "", false
	}
	prefix := strings.Join([]string{"arn", parts[1], "iam", "", parts[4], "role/"}, ":")
	name := strings.TrimPrefix(role, prefix)
	return prefix + name, roleName.MatchString(name)
}
