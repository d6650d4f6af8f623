package policy_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// place is a statement of a case, and the case with another list in its document.
type place struct {
	statement  map[string]any
	index      int
	statements []any
	with       func(statements []any) iamtest.Case
}

// places are the statements of all layers.
func places(c iamtest.Case) (all []place) {
	in := func(document iamtest.Document, replaced func(iamtest.Document) iamtest.Case) {
		statements, ok := document["Statement"].([]any)
		if !ok {
			statements = []any{document["Statement"]}
		}
		with := func(list []any) iamtest.Case {
			changed := maps.Clone(document)
			changed["Statement"] = list
			return replaced(changed)
		}
		for i, s := range statements {
			if s, ok := s.(map[string]any); ok {
				all = append(all, place{s, i, statements, with})
			}
		}
	}
	list := func(documents []iamtest.Document, set func(*iamtest.Case, []iamtest.Document)) {
		for i, d := range documents {
			in(d, func(changed iamtest.Document) iamtest.Case {
				smaller, others := c, slices.Clone(documents)
				others[i] = changed
				set(&smaller, others)
				return smaller
			})
		}
	}
	list(c.Policies, func(c *iamtest.Case, d []iamtest.Document) { c.Policies = d })
	list(c.Boundary, func(c *iamtest.Case, d []iamtest.Document) { c.Boundary = d })
	if c.Session != nil {
		list([]iamtest.Document{c.Session}, func(c *iamtest.Case, d []iamtest.Document) { c.Session = d[0] })
	}
	return all
}

// without is the case without the statement. A document cannot be empty, and no
// boundary is not an empty one: then a statement about nothing in the call stays.
func (p place) without() iamtest.Case {
	rest := slices.Delete(slices.Clone(p.statements), p.index, p.index+1)
	if len(rest) == 0 {
		rest = []any{map[string]any{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
	}
	return p.with(rest)
}

// addedDenies: each Deny that the case has is added to the case without it, and
// each Allow is added once more, as a Deny.
func addedDenies(c iamtest.Case) (all []change) {
	for _, p := range places(c) {
		if p.statement["Effect"] == "Deny" {
			all = append(all, change{before: p.without(), after: c})
			continue
		}
		deny := maps.Clone(p.statement)
		deny["Effect"] = "Deny"
		delete(deny, "Sid") // each is there once
		all = append(all, change{before: c, after: p.with(append(slices.Clone(p.statements), deny))})
	}
	return all
}

func removedAllows(c iamtest.Case) (all []change) {
	for _, p := range places(c) {
		if p.statement["Effect"] == "Allow" {
			all = append(all, change{before: c, after: p.without()})
		}
	}
	return all
}

func addedLayers(c iamtest.Case) (all []change) {
	if c.Boundary != nil {
		before := c
		before.Boundary = nil
		all = append(all, change{before: before, after: c})
	}
	if c.Session != nil {
		before := c
		before.Session = nil
		all = append(all, change{before: before, after: c})
	}
	return all
}

// widerResources: a part of the ARN becomes a wildcard that covers it, and other
// texts, which a statement about the ARN need not be about.
func widerResources(c iamtest.Case) (all []change) {
	for _, wider := range widerARNs(c.Request.Resource) {
		before, after := c, c
		after.Request.Resource = wider
		all = append(all, change{before: before, after: after})
		before.Request.Resource = strings.NewReplacer("*", "xy", "?", "x").Replace(wider)
		all = append(all, change{before: before, after: after})
	}
	if len(all) > 0 {
		// A case takes "*" for the resource of an action without any, which is not
		// wider than an ARN; here it is every resource.
		all = append(all, change{before: c, after: c, ask: func(_, after *policy.Question) {
			after.Accesses[0].Resource, after.Accesses[0].Unscopable = "*", false
		}})
	}
	return all
}

func widerARNs(arn string) (all []string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return nil
	}
	add := func(at int, wider string) {
		changed := slices.Clone(parts)
		changed[at] = wider
		if joined := strings.Join(changed, ":"); joined != arn && !slices.Contains(all, joined) {
			all = append(all, joined)
		}
	}
	name := []rune(parts[5])
	last, kind := strings.LastIndexAny(parts[5], "/:")+1, strings.IndexAny(parts[5], "/:")+1
	add(5, parts[5][:last]+"*")
	add(5, parts[5][:kind]+"*")
	add(5, "*")
	add(5, "*"+parts[5][last:])
	add(5, string(name[:len(name)-1])+"*")
	add(5, parts[5]+"*")
	if r := name[len(name)-1]; r != '*' {
		add(5, string(name[:len(name)-1])+"?")
	}
	if r := name[0]; r != '*' {
		add(5, "?"+string(name[1:]))
	}
	for _, letter := range []string{"e", "w", "o"} {
		add(5, strings.Replace(parts[5], letter, "*", 1))
	}
	for at := 1; at < 5; at++ {
		add(at, "*")
	}
	return append(all, "arn:*:*:*:*:*")
}

// furtherAccesses: the call needs one more access, which some statement of the
// case may allow, or goes on without it. What it has so far is required: a call
// of optional accesses alone is refused if none is allowed, though it needs none.
func furtherAccesses(c iamtest.Case) (all []change) {
	for i, p := range places(c) {
		action, resource := first(p.statement["Action"]), first(p.statement["Resource"])
		if p.statement["Effect"] != "Allow" || action == "" {
			continue
		}
		if action == "*" {
			action = "ecs:*"
		}
		if resource == "" {
			resource = c.Request.Resource
		}
		all = append(all, change{before: c, after: c, ask: func(_, after *policy.Question) {
			further := after.Accesses[0]
			further.Action, further.Resource = strings.NewReplacer("*", "X", "?", "x").Replace(action), resource
			further.Optional, further.Unscopable = i%3 == 2, resource == "*"
			after.Accesses = append(slices.Clone(after.Accesses), further)
		}})
	}
	return all
}

func first(value any) string {
	if list, ok := value.([]any); ok && len(list) > 0 {
		value = list[0]
	}
	text, _ := value.(string)
	return text
}

// unknownKeys: what the context says of one key is not known, or of any key; or
// it is not known whether there are more keys.
func unknownKeys(c iamtest.Case) (all []change) {
	unknown := func(context map[string]authz.Value, more string) {
		after := c
		after.Request.Context, after.Request.Unknown = context, append(slices.Clone(c.Request.Unknown), more)
		all = append(all, change{before: c, after: after})
	}
	for _, key := range slices.Sorted(maps.Keys(c.Request.Context)) {
		others := maps.Clone(c.Request.Context)
		delete(others, key)
		unknown(others, key)
	}
	unknown(nil, "*")
	unknown(c.Request.Context, "*")
	return all
}

// unsettledResources: all that is known of the resource is what it begins with.
func unsettledResources(c iamtest.Case) (all []change) {
	resource := c.Request.Resource
	if strings.ContainsAny(resource, "*?") {
		return nil
	}
	for _, end := range []int{strings.LastIndexByte(resource, ':') + 1, strings.LastIndexAny(resource, ":/") + 1, len(resource) - 1} {
		after := c
		after.Request.Resource, after.Request.Unknown = resource[:end]+"*", append(slices.Clone(c.Request.Unknown), authz.TaskRole)
		all = append(all, change{before: c, after: after})
	}
	return all
}
