package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

func (c *compiler) access(at string, o *operation, known []*resource, d accessDoc) *access {
	a := &access{action: d.Action, resource: d.Resource, arn: template(d.ARN), context: map[string]authz.Value{}}
	a.flags.Optional, a.flags.Unverified, a.flags.Creates = d.Optional, d.Unverified, d.Creates
	switch {
	case d.RolesOf != "":
		c.rolesOf(at, o, a, known, &d)
	case d.Overridden != overriddenDoc{}:
		c.fail(at+".overridden", "is for roles-of")
	}
	if d.When != "" {
		a.when = c.path(at+".when", o, d.When)
	}
	if d.Unless != "" {
		a.unless = c.path(at+".unless", o, d.Unless)
	}
	fact, ok := c.actions[d.Action]
	if !ok {
		c.fail(at, "is not an action that the proxy knows; declare it under actions")
		return a
	}
	service, _, _ := strings.Cut(d.Action, ":")
	a.flags.Global = slices.Contains(c.global, service)
	a.flags.Unscopable = len(fact.On) == 0 || d.Everything
	on := c.target(at, a, known, d)
	if a.flags.Unscopable != (on == "") {
		c.fail(at, "must name a resource exactly if the action has resource-level permission")
		return a
	}
	if _, ok := fact.On[on]; on != "" && !ok {
		c.fail(at, "is authorised on %s, not on %s", strings.Join(slices.Sorted(maps.Keys(fact.On)), ", "), on)
		return a
	}
	a.on = on
	keys, taggable := c.facts.keysOf(d.Action, fact, on)
	a.flags.Taggable = taggable && !d.Everything
	a.unknown = slices.Clone(c.unknown)
	if d.Via != "" {
		c.via(at, a, d.Via)
	}
	for _, key := range keys {
		c.key(at, o, a, key, d)
	}
	if d.Subject != "" {
		c.subject(at, a, known, d)
	}
	if a.latest = d.Latest; d.Latest {
		c.definition(at+".latest", known, d.Resource)
	}
	for _, key := range slices.Sorted(maps.Keys(d.Context)) {
		if !slices.Contains(keys, key) {
			c.fail(at+".context", "holds %s, which AWS does not carry for the action", key)
		}
	}
	return a
}

// services that act on behalf of a caller, with the caller's own permissions, by
// the name that a catalogue gives them.
var services = map[string]string{"cloudformation": "cloudformation.amazonaws.com"}

// via settles what AWS carries if not the server asks but a service that the
// server asked. What that service asks in its turn may come last.
// Source: IAM user guide, "Forward access sessions" and aws:CalledVia.
func (c *compiler) via(at string, a *access, name string) {
	service, ok := services[name]
	if !ok {
		c.fail(at+".via", "must be one of %s", strings.Join(slices.Sorted(maps.Keys(services)), ", "))
		return
	}
	a.context["aws:CalledVia"], a.context["aws:CalledViaFirst"] = authz.Many(service), authz.One(service)
	a.context["aws:ViaAWSService"] = authz.One("true")
	a.unknown = slices.DeleteFunc(a.unknown, func(key string) bool { return key == "aws:CalledVia*" || key == "aws:Via*" })
	a.unknown = append(a.unknown, "aws:CalledViaLast")
}

// target works out where the access's resource comes from and returns its
// resource type, "" for "*".
func (c *compiler) target(at string, a *access, known []*resource, d accessDoc) string {
	if d.Type != "" && d.ARN == "" {
		if a.kind = c.types[d.Type]; a.kind == nil {
			c.fail(at+".type", "names %q, which is not under types", d.Type)
			return ""
		}
	}
	switch {
	case d.ARN != "":
		return d.Type
	case a.kind != nil:
		if d.Resource == "" || c.named(at+".resource", known, d.Resource) != nil {
			return a.kind.name
		}
	case d.Resource != "":
		if r := c.named(at+".resource", known, d.Resource); r != nil && len(r.kinds) > 0 {
			return r.kinds[0].name
		}
	}
	return ""
}

// subject settles whose tags the access is judged by although AWS does not look
// at them. They are unknown until somebody looks them up.
func (c *compiler) subject(at string, a *access, known []*resource, d accessDoc) {
	c.named(at+".subject", known, d.Subject)
	if d.Creates {
		c.fail(at+".subject", "cannot be what the access creates: that has no tags yet")
	}
	if a.flags.Taggable && a.resource == d.Subject && a.kind == nil {
		c.fail(at+".subject", "is the resource whose tags AWS looks at already")
	}
	a.subject = d.Subject
	a.unknown = append(a.unknown, authz.SubjectTag+"*")
}

// rolesOf settles an access on the roles in a task definition that the call names.
// They are looked up; until then it is on every role, and the server goes on
// without it, since AWS checks the ones that there are.
func (c *compiler) rolesOf(at string, o *operation, a *access, known []*resource, d *accessDoc) {
	if d.Action != "iam:PassRole" || d.Resource != "" || d.Type != "" || d.ARN != "" || d.Subject != "" {
		c.fail(at+".roles-of", "is for iam:PassRole, and names what it is on")
	}
	d.Type, d.Subject, a.rolesOf, a.flags.Optional = "role", d.RolesOf, d.RolesOf, true
	c.definition(at+".roles-of", known, d.RolesOf)
	if d.Overridden.Task != "" {
		a.taskRole = c.path(at+".overridden", o, d.Overridden.Task)
	}
	if d.Overridden.Execution != "" {
		a.executionRole = c.path(at+".overridden", o, d.Overridden.Execution)
	}
}

// definition wants the resource to be a task definition.
func (c *compiler) definition(at string, known []*resource, name string) {
	if r := c.named(at, known, name); r != nil && (len(r.kinds) != 1 || r.kinds[0].name != "task-definition") {
		c.fail(at, "names %q, which is not a task definition", name)
	}
}

func (c *compiler) named(at string, known []*resource, name string) *resource {
	for _, r := range known {
		if r.name == name {
			return r
		}
	}
	c.fail(at, "names %q, which is not under resources", name)
	return nil
}

// key settles how one condition key of the access is filled: by the access
// itself, from the arguments, or not at all, which makes it unknown.
func (c *compiler) key(at string, o *operation, a *access, key string, d accessDoc) {
	if strings.HasSuffix(key, ":ResourceTag/*") {
		if !a.flags.Creates && !d.Everything {
			a.unknown = append(a.unknown, key)
		}
		return
	}
	if value, ok := d.Context[key]; ok {
		switch {
		case slices.Equal(value, words{omitted}):
		case c.keys[key].Many:
			a.context[key] = authz.Many(value...)
		case len(value) != 1:
			c.fail(at+".context", "holds several values for %s, which has one", key)
		default:
			a.context[key] = authz.One(value[0])
		}
		return
	}
	if key == "iam:PassedToService" && d.PassedTo != "" {
		a.context[key] = authz.One(d.PassedTo)
		return
	}
	rule, ok := c.keys[key]
	if !ok {
		a.unknown = append(a.unknown, key)
		return
	}
	if rule.Value != "" {
		a.context[key] = authz.One(rule.Value)
		return
	}
	f := filler{key: key, many: rule.Many, as: rule.As, absent: rule.Absent}
	for _, name := range rule.From {
		if path := strings.Split(name, "."); o.input.has(path) {
			f.from = append(f.from, path)
		}
	}
	f.kind, f.partOf = c.keyKind(at, rule.Type), c.keyKind(at, rule.PartOf)
	switch {
	case f.partOf != nil || len(f.from) > 0:
		if o.updates && rule.As != "tags" {
			f.absent = "" // AWS keeps the value that the resource has, and it may compare that
		}
		a.fillers = append(a.fillers, f)
	case len(rule.From) > 0:
		a.unknown = append(a.unknown, key)
	case rule.Absent == "":
		a.unknown = append(a.unknown, key)
	case rule.Absent != omitted:
		a.context[key] = authz.One(rule.Absent)
	}
}

func (c *compiler) keyKind(at, name string) *kind {
	if name == "" {
		return nil
	}
	k := c.types[name]
	if k == nil {
		c.fail(at, "needs a key of type %q, which is not under types", name)
	}
	return k
}
