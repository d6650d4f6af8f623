# METADATA
# title: IAM evaluation
# description: |
#   IAM's evaluation of policy documents, three-valued: a key that nobody could
#   look up is unknown, which is not the same as absent. A Deny that depends on
#   an unknown key fires; an Allow that depends on one does not apply.
package ecsmcp.iam

# evaluate(layers, accesses): `accesses` has one result for each access, in
# order, the AccessResult of the Go package authz. `allow`: there is at least one
# access that is allowed, and every one is that the server cannot do without.
# `layers` holds lists of {"name", "document"}: "identity" and, if they are not
# empty, "boundary" and "session"; accesses of the pseudo-service mcp are decided
# by "mcp" alone.
#
# In the proxy a native function stands in for this one, which stays the law: both
# are held equal by random tests.
evaluate(layers, accesses) := {"allow": allow, "accesses": found} if {
	found := results(layers, accesses)
	allow := allows(accesses, found)
}

default allows(_, _) := false

allows(accesses, found) if {
	"allowed" in {result.decision | some result in found}
	every i, access in accesses {
		is_tolerable(access, found[i])
	}
}

is_tolerable(_, result) if result.decision == "allowed"

is_tolerable(access, _) if access.optional

results(layers, accesses) := [result |
	some access in accesses
	env := environment(access)
	judged := [layer |
		some name in layer_names(layers, access)
		layer := judge(name, candidates(object.get(layers, name, []), env))
	]
	result := outcome(judged)
]

layer_names(layers, access) := ["mcp"] if {
	startswith(access.action, "mcp:")
} else := [name | some name in ["identity", "boundary", "session"]; is_layer(layers, name)]

# No identity policy allows nothing. No boundary, or no session policy, limits
# nothing; one that holds only Deny statements still allows nothing.
# Source: IAM user guide, "Policy evaluation logic".
is_layer(_, "identity")

is_layer(layers, name) if count(layers[name]) > 0

# judge(name, found): the candidates of one layer, sorted by what they say.
judge(name, found) := {
	"name": name,
	"denies": [c | some c in live; c.deny; count(c.unknown) == 0],
	"may_deny": [c | some c in live; c.deny; count(c.unknown) > 0],
	"allows": [c | some c in live; not c.deny; count(c.unknown) == 0],
	"may_allow": [c | some c in live; not c.deny; count(c.unknown) > 0],
	"near": [c | some c in found; count(c.failing) == 1; count(c.unknown) == 0],
} if {
	live := [c | some c in found; count(c.failing) == 0]
}

# outcome(judged): an explicit deny in any layer wins; else every layer must allow.
outcome(judged) := answer("explicitDeny", layers[0], {
	"statements": [c.id | some layer in judged; some c in layer.denies],
	"possible": false,
}) if {
	layers := [layer.name | some layer in judged; count(layer.denies) > 0]
	count(layers) > 0
} else := answer("explicitDeny", layers[0], {
	"statements": [c.id | some layer in judged; some c in layer.may_deny],
	"unknown": keys([c | some layer in judged; some c in layer.may_deny]),
	"possible": count(refusing(judged)) == 0,
	"needs": needs(judged),
}) if {
	layers := [layer.name | some layer in judged; count(layer.may_deny) > 0]
	count(layers) > 0
} else := answer("allowed", judged[0].name, {
	"statements": [c.id | some layer in judged; some c in layer.allows],
	"possible": true,
	"near": [n | some layer in judged; some c in layer.near; c.deny; n := near(c)],
}) if {
	every layer in judged {
		count(layer.allows) > 0
	}
} else := answer("implicitDeny", first.name, {
	"statements": [c.id | some c in first.may_allow],
	"unknown": keys(first.may_allow),
	"possible": count(refusing(judged)) == 0,
	"needs": needs(judged),
	"near": [n | some c in first.near; not c.deny; n := near(c)],
}) if {
	first := [layer | some layer in judged; count(layer.allows) == 0][0]
}

answer(decision, layer, more) := object.union(
	{"decision": decision, "layer": layer, "statements": [], "unknown": [], "possible": false, "needs": [], "near": []},
	more,
)

# refusing(judged): the layers that allow nothing whatever the unknown keys are.
refusing(judged) := [layer.name |
	some layer in judged
	count(layer.allows) + count(layer.may_allow) == 0
]

# needs(judged): the keys that could change the answer; none if nothing can.
needs(judged) := [] if {
	count(refusing(judged)) > 0
} else := keys(array.concat(
	[c | some layer in judged; some c in layer.may_deny],
	[c | some layer in judged; count(layer.allows) == 0; some c in layer.may_allow],
))

# keys(found): the unknown keys, each in one spelling only.
keys(found) := sort([min(spellings) |
	some folded in {lower(key) | some c in found; some key in c.unknown}
	spellings := {key | some c in found; some key in c.unknown; lower(key) == folded}
])

near(c) := {"statement": c.id, "key": c.failing[0].key, "operator": c.failing[0].operator}
