package ecsmcp.authz

import data.ecsmcp.iam

# METADATA
# title: Visible actions
# description: |
#   Those of input.actions that the persona may use on some resource, under some
#   condition: an Allow of every layer names them, and no Deny takes them away
#   whatever the resource and the condition are. It is a courtesy for lists, not
#   a decision.
# entrypoint: true
# schemas:
#   - input: {type: object, properties: {persona: {type: string}, actions: {type: array, items: {type: string}}}}
visible := sort([action |
	some action in {a | some a in input.actions}
	env := iam.environment({"action": action, "resource": "*", "unscopable": true})
	every name in iam.layer_names(persona, {"action": action}) {
		is_named(object.get(persona, name, []), env)
	}
])

is_named(documents, env) if {
	some statement in statements(documents, env)
	not iam.is_deny(statement)
	not is_withdrawn(documents, env)
}

is_withdrawn(documents, env) if {
	some statement in statements(documents, env)
	iam.is_deny(statement)
	"*" in iam.as_list(statement.Resource)
	object.get(statement, "Condition", {}) == {}
}

statements(documents, env) := [statement |
	some named in documents
	some statement in iam.as_list(named.document.Statement)
	iam.names_action(statement, env)
]
