package policy

import (
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/reference"
)

// mcpActions are those of the pseudo-service that stands for what calls no AWS API.
var mcpActions = []string{"mcp:CallTool", "mcp:GetPrompt", "mcp:ReadResource"}

// actions finds what the statement is about, and names that AWS does not have.
func (r *reviewer) actions(v *reviewed) {
	for _, a := range v.texts("NotAction") {
		r.action(a)
	}
	actions := v.texts("Action")
	v.sure = len(actions) > 0
	for _, a := range actions {
		v.sure = r.action(a) && v.sure
		found := reference.Actions(a.text)
		v.all = append(v.all, found...)
		if !strings.ContainsAny(a.text, "*?") {
			v.named = append(v.named, found...)
		}
	}
}

// action warns of an action that AWS does not have, and reports whether the
// reference knows it.
func (r *reviewer) action(a placed) (known bool) {
	prefix, _, ok := strings.Cut(a.text, ":")
	switch {
	case !ok: // "*"
		return false
	case strings.EqualFold(prefix, "mcp"):
		r.mcpAction(a)
		return false
	case strings.EqualFold(prefix, "ecs-dev"):
		r.warn(a.place, "%s: AWS has no service ecs-dev; Express Mode's actions are ecs:CreateExpressGatewayService and its like", a.text)
		return false
	case !reference.HasService(prefix):
		r.warn(a.place, "%s: AWS has no service %s%s", a.text, prefix, meant(reference.NearestService(prefix)))
		return false
	case !reference.Detailed(prefix):
		return false
	}
	if len(reference.Actions(a.text)) > 0 {
		return true
	}
	if strings.ContainsAny(a.text, "*?") {
		r.warn(a.place, "%s matches no action of %s%s", a.text, prefix, meant(reference.NearestAction(a.text)))
	} else {
		r.warn(a.place, "%s is no action that AWS has%s", a.text, meant(reference.NearestAction(a.text)))
	}
	return false
}

func (r *reviewer) mcpAction(a placed) {
	for _, name := range mcpActions {
		if strings.EqualFold(name, a.text) || strings.HasSuffix(a.text, "*") && strings.HasPrefix(strings.ToLower(name), strings.ToLower(strings.TrimSuffix(a.text, "*"))) {
			return
		}
	}
	r.warn(a.place, "%s matches none of %s", a.text, strings.Join(mcpActions, ", "))
}

func meant(name string) string {
	if name == "" {
		return ""
	}
	return "; is " + name + " meant?"
}

// negations warns of an Allow for everything but what it names.
func (r *reviewer) negations(v reviewed) {
	if !v.allows {
		return
	}
	if _, ok := v.statement["NotAction"]; ok {
		r.warn(v.place+".NotAction", "an Allow with NotAction allows every other action that AWS has or will have; name the actions, or make it a Deny")
	}
	if _, ok := v.statement["NotResource"]; ok {
		r.warn(v.place+".NotResource", "an Allow with NotResource allows the actions on everything else, in every account; name the resources, or make it a Deny")
	}
}

// passRole warns of a right to hand any role to any service.
func (r *reviewer) passRole(v reviewed) {
	if !v.allows {
		return
	}
	for _, o := range v.operators() {
		for key := range o.keys {
			if strings.EqualFold(key, "iam:PassedToService") {
				return
			}
		}
	}
	every := false
	for _, resource := range v.texts("Resource") {
		every = every || resource.text == "*" || strings.HasSuffix(resource.text, ":role/*")
	}
	for _, a := range v.texts("Action") {
		if every && a.text != "*" && matchesAction(a.text, "iam:PassRole") {
			r.warn(a.place, `%s on every role hands any role to any service, EC2 and Lambda too; name the roles, or add "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}`, a.text)
		}
	}
}

// matchesAction reports whether a pattern of actions matches the one that is named.
func matchesAction(pattern, name string) bool {
	for _, a := range reference.Actions(pattern) {
		if a.Name == name {
			return true
		}
	}
	return false
}
