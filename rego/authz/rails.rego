package ecsmcp.authz

# rails(request): the names of the guardrails that may have something to say about
# the request, by the rule they say it in. Guardrails need no list: each is a
# package of its own under ecsmcp.guardrails.
#
# Here that is every guardrail with the rule. The proxy leaves out those none of
# whose rules can be true of the request, by the conditions that they have on
# input.call.write, input.actions and input.regions.
rails(_) := {
	"deny": {name | some name; _ = data.ecsmcp.guardrails[name].deny},
	"obligation": {name | some name; _ = data.ecsmcp.guardrails[name].obligation},
	"session_deny": {name | some name; _ = data.ecsmcp.guardrails[name].session_deny},
	"context": {name | some name; _ = data.ecsmcp.guardrails[name].context},
}
