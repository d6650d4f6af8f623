package policy

import (
	"fmt"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/reference"
)

// resources warns of actions and resources in one statement that never meet.
func (r *reviewer) resources(v reviewed) {
	resources := v.texts("Resource")
	for _, p := range append(resources[:len(resources):len(resources)], v.texts("NotResource")...) {
		r.ambiguous(p)
	}
	for i, p := range resources {
		if resources[i].text = variableForm.ReplaceAllString(p.text, "*"); p.text == "*" {
			return
		}
	}
	if len(resources) == 0 {
		return
	}
	var unscopable, astray []reference.Action
	for _, a := range v.named {
		switch {
		case !a.Scopable():
			unscopable = append(unscopable, a)
		case !onAny(a, resources):
			astray = append(astray, a)
		}
	}
	if len(unscopable) > 0 {
		r.warn(v.place, `%s %s no resource-level permission, so with these resources %s; write a statement of its own with "Resource": "*"`,
			names(unscopable), plural(unscopable, "has", "have"), v.never())
	}
	for _, a := range astray {
		r.warn(v.place, "%s is authorised on %s, which none of the resources is, so %s", a.Name, strings.Join(a.Types, " or "), v.never())
	}
	if len(unscopable)+len(astray) > 0 || !v.sure {
		return
	}
	for _, p := range resources {
		fits := false
		for _, a := range v.all {
			fits = fits || a.On(p.text)
		}
		if !fits {
			r.warn(p.place, "no action of the statement is authorised on such a resource, so it does nothing here")
		}
	}
}

func onAny(a reference.Action, resources []placed) bool {
	for _, p := range resources {
		if a.On(p.text) {
			return true
		}
	}
	return false
}

func (v reviewed) never() string {
	if v.allows {
		return "this never allows it"
	}
	return "this never denies it"
}

// names lists actions, the first few by name.
func names(actions []reference.Action) string {
	var all []string
	for _, a := range actions {
		all = append(all, a.Name)
	}
	if len(all) > 4 {
		all = append(all[:3], fmt.Sprintf("%d more", len(all)-3))
	}
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + " and " + all[last]
	}
	return strings.Join(all, "")
}

func plural(actions []reference.Action, one, many string) string {
	if len(actions) == 1 {
		return one
	}
	return many
}

// ambiguous warns of a short pattern with a wildcard before its last part: AWS
// compares part by part, and a reader may think that the wildcard crosses colons.
func (r *reviewer) ambiguous(p placed) {
	parts := strings.Split(variableForm.ReplaceAllString(p.text, "*"), ":")
	last := len(parts) - 1
	if last < 1 || last >= 5 || parts[last] == "*" || !strings.ContainsAny(strings.Join(parts[:last], ":"), "*?") {
		return
	}
	r.warn(p.place, "%q has %d of an ARN's six parts, and a wildcard before the last does not cross a colon here; write all six: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE", p.text, len(parts))
}
