package iamtest

import (
	"fmt"
	"slices"
	"strings"
)

// document draws a document; a statement denies in so many cases of a hundred.
func (d *drawing) document(deny int) Document {
	document := Document{}
	variables := false
	switch n := d.IntN(100); {
	case n < 75:
		document["Version"], variables = "2012-10-17", true
	case n < 88:
		document["Version"] = "2008-10-17"
	}
	var statements []any
	for i := range 1 + d.IntN(3) {
		s := d.statement(d.percent(deny), variables)
		if d.percent(60) {
			s["Sid"] = fmt.Sprintf("S%d", i)
		}
		statements = append(statements, s)
	}
	document["Statement"] = d.list(statements)
	return document
}

func (d *drawing) statement(denies, variables bool) map[string]any {
	s := map[string]any{"Effect": "Allow"}
	if denies {
		s["Effect"] = "Deny"
	}
	// What is not named is much more than what is.
	if d.percent(88) {
		s["Action"] = d.list(d.some(3, d.action))
	} else {
		s["NotAction"] = d.list(d.some(3, d.otherAction))
	}
	if d.percent(85) {
		s["Resource"] = d.list(d.some(2, func() string { return d.resource(variables, false) }))
	} else {
		s["NotResource"] = d.list(d.some(2, func() string { return d.resource(variables, true) }))
	}
	conditions := map[string]any{}
	for range pick(d, 0, 0, 0, 1, 1, 1, 2) {
		d.condition(conditions, denies, variables)
	}
	if len(conditions) > 0 || d.percent(3) {
		s["Condition"] = conditions
	}
	return s
}

// some draws one to most different texts.
func (d *drawing) some(most int, draw func() string) (values []any) {
	for range 1 + d.IntN(most) {
		if v := draw(); !slices.Contains(values, any(v)) {
			values = append(values, v)
		}
	}
	return values
}

// action draws a pattern, mostly one that the request's action meets.
func (d *drawing) action() string {
	if d.percent(20) {
		return d.otherAction()
	}
	prefix, name, _ := strings.Cut(d.request.Action, ":")
	return pick(d, "*", d.request.Action, d.request.Action, strings.ToUpper(d.request.Action), prefix+":*", prefix+":"+name[:3]+"*", prefix+":?"+name[1:],
		prefix+":*"+name[len(name)-4:], prefix+":"+name[:2]+"*"+name[len(name)-2:], prefix+":"+name+"?")
}

func (d *drawing) otherAction() string {
	return pick(d, "ecs:Describe*", "ecs:De*", "ecs:*Service*", "ecs:?e*Service", "iam:*", "iam:PassRole", "logs:Get*", "s3:*", "ecr:GetAuthorizationToken", "ecs:*", "sts:AssumeRole")
}

// resource draws a pattern, mostly made of the request's resource.
func (d *drawing) resource(variables, negated bool) string {
	base := d.request.Resource
	if base == "*" || strings.ContainsAny(base, "*?") || d.percent(25) {
		base = pick(d, pick(d, services...).resources...)
	}
	if base == "*" || d.percent(20) {
		return "*"
	}
	parts := strings.SplitN(base, ":", 6)
	name := parts[5]
	cut := strings.LastIndexAny(name, "/:") + 1
	switch d.IntN(11) {
	case 0, 1:
		parts[5] = name[:cut] + "*"
	case 2:
		parts[3], parts[4] = pick(d, "*", parts[3], "us-*", "us-east-?"), pick(d, "*", parts[4], "1234*")
	case 3:
		parts[5] = strings.Replace(name, pick(d, "e", "w", "o"), "?", 1)
		if !d.can(ProductWildcards) {
			parts[5] = name[:cut] + strings.Replace(name[cut:], "e", "?", 1)
		}
	case 4:
		if d.can(ShortExclusions) || !negated {
			return strings.Join(parts[:1+d.IntN(4)], ":") + ":*"
		}
	case 5, 6:
		parts[5] = d.variableName(name, cut, variables, negated && !d.can(LostExclusions))
	case 7:
		parts[5] = pick(d, "*", name[:cut]+"*"+name[len(name)-1:])
		if d.can(ProductWildcards) {
			parts[5] = pick(d, "*/"+name[cut:], "*"+name[cut:], name[:2]+"*"+name[cut:])
		}
	case 8:
		parts[5] = name[:cut] + strings.ToUpper(name[cut:])
		if d.can(SegmentCase) {
			parts[1], parts[2] = pick(d, parts[1], "AWS"), pick(d, parts[2], strings.ToUpper(parts[2]))
		}
	}
	return strings.Join(parts, ":")
}

// variableName puts a variable into a resource's name.
func (d *drawing) variableName(name string, cut int, variables, settled bool) string {
	if !variables && !d.can(LiteralVariables) {
		return name
	}
	first := strings.IndexAny(name, "/:") + 1
	if d.percent(30) && d.can(ProductWildcards) {
		first = 0
	}
	word := pick(d, "web", "shop", name[cut:])
	return name[:first] + strings.Replace(name[first:], word, d.variable(settled), 1)
}

// variable draws a policy variable. Settled ones have a value in any case.
func (d *drawing) variable(settled bool) string {
	name := pick(d, teamKey, teamKey, teamKey, teamKey, "aws:RequestedRegion", "aws:ResourceTag/Environment", "aws:TagKeys", "aws:PrincipalTag/Absent")
	if d.isMulti(name) && (settled || !d.can(MultiVariables)) {
		name = "aws:PrincipalTag/Absent"
	}
	fallback := pick(d, "web", "shop", "*", "a b")
	if d.can(EmptyValues) && d.percent(10) {
		fallback = ""
	}
	if settled || d.percent(40) {
		return fmt.Sprintf("${%s, '%s'}", d.spelling(name), fallback)
	}
	return "${" + d.spelling(name) + "}"
}

// isMulti: a multi-valued key cannot stand in a text, whatever its default.
func (d *drawing) isMulti(name string) bool {
	for key, value := range d.request.Context {
		if strings.EqualFold(key, name) {
			return value.Multi
		}
	}
	return false
}
