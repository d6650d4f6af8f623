package catalog

import (
	"maps"
	"slices"
	"strings"
)

func (c *compiler) tool(at string, d toolDoc) *tool {
	t := &tool{selector: d.Selector, def: d.Default, parameters: d.Parameters, nullable: d.Nullable, operations: map[string]*operation{}}
	switch {
	case d.Call != nil && d.Selector == "" && len(d.Operations) == 0:
		t.operations[""] = c.operation(at+".call", "", d, *d.Call)
	case d.Call == nil && d.Selector != "" && d.Parameters != "" && len(d.Operations) > 0:
		for _, name := range slices.Sorted(maps.Keys(d.Operations)) {
			t.operations[name] = c.operation(at+".operations."+name, name, d, d.Operations[name])
		}
	default:
		c.fail(at, "needs either call, or selector, parameters and operations")
	}
	if _, ok := t.operations[d.Default]; d.Default != "" && !ok {
		c.fail(at+".default", "is not one of its operations")
	}
	return t
}

func (c *compiler) operation(at, name string, t toolDoc, d operationDoc) *operation {
	o := &operation{refuse: d.Refuse, write: d.Write, sensitive: d.Sensitive, escapesScope: d.EscapesScope, leavesCredentials: d.LeavesCredentials,
		longRunning: d.LongRunning, updates: d.Updates, timeout: d.Timeout, anyArguments: d.AnyArguments}
	if o.refuse != "" {
		return o
	}
	if o.leavesCredentials && !o.escapesScope {
		c.fail(at, "needs escapes-scope: true, because of leaves-credentials")
	}
	o.input = c.input(at, name, t, d)
	if d.TimeoutFrom != "" {
		o.timeoutFrom = c.path(at+".timeout-from", o, d.TimeoutFrom)
	}
	o.step = c.step(at, o, d.Resources, d.Accesses, nil)
	for _, choice := range d.Choose {
		out := chosen(c, at+".choose", o, choice)
		o.choices = append(o.choices, out)
	}
	list := o.everyAccess()
	if len(list) == 0 { // nothing at AWS: still an access, decided by name
		o.accesses = []*access{{action: CallTool, arn: template(c.pseudo)}}
	}
	if c.signed != nil {
		o.accesses = append([]*access{c.signed}, o.accesses...)
	}
	for _, a := range list {
		// What is optional too: guardrails about writes look at calls that write.
		if c.actions[a.action].Write && !o.write {
			c.fail(at, "needs write: true, because %s writes", a.action)
		}
	}
	return o
}

func chosen(c *compiler, at string, o *operation, d choiceDoc) choice {
	out := choice{step: c.step(at, o, d.Resources, d.Accesses, o.resources)}
	for _, name := range d.Given {
		out.given = append(out.given, c.path(at+".given", o, name))
	}
	if len(out.given) == 0 {
		c.fail(at, "needs given: the arguments that choose it")
	}
	return out
}

// input is the shape of the operation's own arguments: that of an AWS API, or
// what the catalogue declares.
func (c *compiler) input(at, name string, t toolDoc, d operationDoc) *shape {
	if t.Input == "" {
		return c.arguments(at+".arguments", d.Arguments)
	}
	s, ok := c.facts.input(t.Input+":"+name, c.shapes)
	if !ok || len(d.Arguments) > 0 {
		c.fail(at, "must be an operation of %s and declare no arguments of its own", t.Input)
		return &shape{kind: "structure"}
	}
	return s
}

var argumentKinds = map[string]string{"string": "string", "integer": "integer", "number": "double", "boolean": "boolean",
	"list": "list", "object": "structure", "any": "document"}

func (c *compiler) arguments(at string, args map[string]argumentDoc) *shape {
	s := &shape{kind: "structure", members: map[string]*shape{}}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		s.members[name] = c.argument(at+"."+name, args[name])
		if args[name].Required {
			s.required = append(s.required, name)
		}
	}
	return s
}

func (c *compiler) argument(at string, d argumentDoc) *shape {
	kind, ok := argumentKinds[d.Type]
	if !ok {
		c.fail(at+".type", "must be one of %s", strings.Join(slices.Sorted(maps.Keys(argumentKinds)), ", "))
	}
	s := &shape{kind: kind, min: d.Min, max: d.Max, nullable: d.Nullable, pattern: c.regexp(at, d.Pattern)}
	switch {
	case kind == "list" && d.Of != nil:
		s.of = c.argument(at+".of", *d.Of)
	case kind == "list":
		c.fail(at, "needs of: what the list holds")
	case kind == "structure":
		nested := c.arguments(at, d.Members)
		s.members, s.required = nested.members, nested.required
	}
	return s
}

// path checks that an argument path exists.
func (c *compiler) path(at string, o *operation, dotted string) []string {
	path := strings.Split(dotted, ".")
	if !o.input.has(path) {
		c.fail(at, "names %q, which is not an argument", dotted)
	}
	return path
}

func (c *compiler) step(at string, o *operation, resources []resourceDoc, accesses []accessDoc, outer []*resource) step {
	var s step
	for _, d := range resources {
		s.resources = append(s.resources, c.resource(at+".resources."+d.Name, o, d))
	}
	known := slices.Concat(outer, s.resources)
	for _, d := range accesses {
		s.accesses = append(s.accesses, c.access(at+".accesses."+d.Action, o, known, d))
	}
	return s
}

func (c *compiler) resource(at string, o *operation, d resourceDoc) *resource {
	r := &resource{name: d.Name, only: spelling(d.Only), def: d.Default, all: d.All, max: d.Max, wideOver: d.WideOver,
		pattern: c.regexp(at, d.Pattern), expects: d.Expects}
	if d.Name == "" || r.only != arnOrName && r.only != onlyARN && r.only != onlyName {
		c.fail(at, "needs a name, and only: must be arn or name")
	}
	if len(d.Type) == 0 {
		d.Type = words{d.Name}
	}
	for _, name := range d.Type {
		if k := c.types[name]; k != nil {
			r.kinds = append(r.kinds, k)
		} else {
			c.fail(at+".type", "names %q, which is not under types", name)
		}
	}
	if len(d.From) == 0 {
		d.From = words{d.Name}
	}
	for _, name := range d.From {
		r.from = append(r.from, c.path(at+".from", o, name))
	}
	if d.EachOf != "" {
		r.eachOf = c.path(at+".each-of", o, d.EachOf)
	}
	if d.Format != "" {
		var ok bool
		if r.prefix, r.suffix, ok = strings.Cut(d.Format, "{}"); !ok {
			c.fail(at+".format", "must hold {} where the argument goes")
		}
	}
	if r.pattern != nil && r.expects == "" {
		c.fail(at+".pattern", "needs expects: what to tell the caller")
	}
	return r
}
