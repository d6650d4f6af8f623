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
visible := open(persona, input.actions)

# A stranger has no documents.
default persona := {}

persona := data.ecsmcp.config.personas[input.persona]

# open(persona, actions): those of the actions, sorted. In the proxy its
# native twin answers.
open(layers, actions) := sort([action |
	some action in {a | some a in actions}
	parsed := iam.environment({"action": action, "resource": "*"}).action
	every name in iam.layer_names(layers, {"action": action}) {
		is_named(object.get(layers, name, []), parsed)
	}
])

is_named(documents, action) if {
	some statement in statements(documents, action)
	not iam.is_deny(statement)
	not is_withdrawn(documents, action)
}

is_withdrawn(documents, action) if {
	some statement in statements(documents, action)
	iam.is_deny(statement)
	"*" in iam.as_list(statement.Resource)
	object.get(statement, "Condition", {}) == {}
}

statements(documents, action) := [statement |
	some named in documents
	some statement in iam.as_list(named.document.Statement)
	iam.names_action(statement, action)
]
