package explain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// tagChanges are the tags under which the call is allowed, as far as tags matter.
func (q *inquiry) tagChanges(ctx context.Context, j judged) (all []Change, err error) {
	sets := [][]string{}
	if names := undecidedTags(j); len(names) > 0 {
		sets = append(sets, names)
	}
	for _, name := range knownTags(j) {
		sets = append(sets, []string{name})
	}
	for _, names := range sets {
		cases, err := q.cases(ctx, j, names)
		if err != nil {
			return nil, err
		}
		all = append(all, tagChangesOf(j, names, cases)...)
	}
	return all, nil
}

// knownTags are the tags that are known and that the refusals hang on.
func knownTags(j judged) []string {
	found := map[string]string{}
	for _, r := range refusals(j) {
		for _, c := range r.conditions() {
			if name, ok := tagName(c.Key); ok && c.State != Unknown {
				found[strings.ToLower(name)] = name
			}
		}
	}
	if len(j.preview.Decision.Denies) > 0 { // a guardrail does not say what it looked at
		for _, a := range j.preview.Request.Accesses {
			for key := range a.Context {
				if name, ok := tagName(key); ok && found[strings.ToLower(name)] == "" {
					found[strings.ToLower(name)] = name
				}
			}
		}
	}
	return slices.Sorted(maps.Values(found))
}

// tagChangesOf turns the cases that allow into changes; if every value that
// nobody mentions allows, into one: not to have the values that are mentioned.
func tagChangesOf(j judged, names []string, cases []tagCase) (all []Change) {
	var allowed, refused []tagCase
	others := true
	for _, c := range cases {
		if c.allowed() {
			allowed = append(allowed, c)
			continue
		}
		others = others && !c.other
		refused = append(refused, c)
	}
	if len(allowed) == 0 || len(refused) == 0 {
		return nil
	}
	change := func(text string, tags map[string]*string) Change {
		return Change{Kind: "tag", Text: text, Tags: tags, id: "tag " + text, cost: costTag, Protects: protectedBy(refused[0].judged),
			apply: func(s situation) (situation, error) {
				for name, value := range tags {
					s = s.withTag(name, value)
				}
				return s, nil
			}}
	}
	if others {
		var not []string
		for _, c := range refused {
			not = append(not, c.String())
		}
		none := map[string]*string{}
		for _, name := range names {
			none[name] = nil
		}
		return []Change{change("a resource that is not tagged "+strings.Join(not, " or "), none)}
	}
	for _, c := range allowed[:min(3, len(allowed))] {
		all = append(all, change("a resource that has "+c.String(), c.tags))
	}
	return all
}

// protectedBy says which denies a tag change would lift.
func protectedBy(j judged) string {
	var by []string
	for _, deny := range j.preview.Decision.Denies {
		by = append(by, "guardrail "+deny.Code)
	}
	for _, r := range refusals(j) {
		if r.Verdict == authz.ExplicitDeny {
			by = append(by, r.result.Statements...)
		}
	}
	slices.Sort(by)
	if by = slices.Compact(by); len(by) == 0 {
		return ""
	}
	verb := " protect"
	if len(by) == 1 {
		verb += "s"
	}
	return strings.Join(by, " and ") + verb + " what is so tagged; change a tag only if it is wrong"
}

// isFixed: no argument of a call changes the condition key.
func isFixed(key string) bool {
	_, isTag := tagName(key)
	return isTag || strings.EqualFold(key, "aws:RequestedRegion") || strings.EqualFold(key, "aws:ResourceAccount")
}

// valueChanges give a condition key that comes from the arguments a value that
// a statement asks for.
func (q *inquiry) valueChanges(j judged) (all []Change) {
	for _, r := range refusals(j) {
		for _, c := range r.conditions() {
			if c.Seen == nil || isFixed(c.Key) || namedByResource(r.Resource, c.Seen) {
				continue
			}
			for _, wanted := range c.Wanted {
				value := instance(wanted)
				if value == "" || strings.Contains(value, "${") || slices.Contains(c.Seen, value) {
					continue
				}
				all = append(all, Change{Kind: "value", cost: costValue, id: "value " + c.Key + " " + value,
					Text: fmt.Sprintf("call it so that %s is %s (it is %s), for %s", c.Key, value, strings.Join(c.Seen, ", "), c.of.Name), Key: c.Key, Value: value,
					apply: func(s situation) (situation, error) {
						return s.withAdjust("value "+c.Key+" "+value, func(a authz.Access) authz.Access {
							return withValue(a, c.Key, c.Seen, value)
						}), nil
					}})
			}
		}
	}
	return all
}

// withValue replaces the key's value in accesses that have the one that was seen.
func withValue(a authz.Access, key string, was []string, value string) authz.Access {
	for k, v := range a.Context {
		if strings.EqualFold(k, key) && slices.Equal(v.Values, was) {
			a.Context = maps.Clone(a.Context)
			a.Context[k] = authz.Value{Multi: v.Multi, Values: []string{value}}
			return a
		}
	}
	return a
}

// namedByResource: the resource's own ARN names what the key says, such as the
// cluster of a service, so that one does not change without the other.
func namedByResource(resource string, values []string) bool {
	for _, v := range values {
		name := v[strings.LastIndexByte(v, '/')+1:]
		if name != "" && (strings.Contains(resource, "/"+name+"/") || strings.HasSuffix(resource, "/"+name)) {
			return true
		}
	}
	return false
}

// resourceChanges name another resource of the same type, one that some
// statement of the persona names. They help a single access only.
func (q *inquiry) resourceChanges(j judged) (all []Change) {
	refused := refusals(j)
	if len(refused) != 1 || refused[0].IsMCP() {
		return nil
	}
	asked := refused[0].Access.Access
	for _, n := range library(j.persona()) {
		for _, resource := range n.body.Resource {
			if n.body.Effect != "Allow" || resource == asked.Resource || strings.Contains(resource, "${") || typeOf(resource) == "" || typeOf(resource) != typeOf(asked.Resource) {
				continue
			}
			all = append(all, Change{Kind: "resource", cost: costResource, id: "resource " + resource,
				Text: fmt.Sprintf("call it for %s, which %s allows", resource, n.name), Resource: resource,
				apply: func(s situation) (situation, error) {
					return s.withAdjust("resource "+resource, func(a authz.Access) authz.Access {
						if a.Action == asked.Action && a.Resource == asked.Resource {
							return onResource(a, resource)
						}
						return a
					}), nil
				}})
		}
	}
	return all
}

// typeOf is what kind of thing an ARN without wildcards before its name is of:
// "arn:aws:ecs:us-east-1:123456789012:service".
func typeOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return ""
	}
	kind, _, ok := strings.Cut(strings.ReplaceAll(parts[5], ":", "/"), "/")
	if !ok || strings.ContainsAny(strings.Join(parts[:5], ":")+kind, "*?") {
		return ""
	}
	return strings.Join(parts[:5], ":") + ":" + kind
}

// onResource moves an access to another resource, with the cluster that it names.
func onResource(a authz.Access, resource string) authz.Access {
	a.Resource, a.Context = resource, maps.Clone(a.Context)
	parts := strings.SplitN(resource, ":", 6)
	path := strings.Split(parts[5], "/")
	for key := range a.Context {
		if strings.EqualFold(key, "ecs:cluster") && len(path) > 2 && !strings.ContainsAny(path[1], "*?") {
			a.Context[key] = authz.One(strings.Join(parts[:5], ":") + ":cluster/" + path[1])
		}
	}
	return a
}
