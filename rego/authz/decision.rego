# METADATA
# title: Authorization
# description: From a request to the one decision about it.
# schemas:
#   - input: schema.input
package ecsmcp.authz

import data.ecsmcp.iam

# METADATA
# title: Decision
# description: |
#   Always exactly one object, the Decision of the Go package authz. A call is
#   allowed if no guardrail denies it and IAM allows it: every access that the
#   server cannot do without, and at least one.
# entrypoint: true
decision := {
	"allow": allow,
	"accesses": judged.accesses,
	"denies": denies,
	"obligations": [o | some o in obligation],
	"session_deny": [s | some s in session_deny],
	"context": context,
}

persona := data.ecsmcp.config.personas[input.persona]

# One call for all accesses, with the documents themselves as its argument, so
# that a native function can stand in for it.
judged := iam.evaluate(persona, input.accesses) if {
	persona
} else := {"allow": false, "accesses": [nobody | some _ in input.accesses]}

nobody := {
	"decision": "implicitDeny",
	"layer": "identity",
	"statements": [],
	"unknown": [],
	"possible": false,
	"needs": [],
	"near": [],
}

denies := [reason | some reason in deny]

# Guardrails need no list: each is a package of its own under ecsmcp.guardrails.
# A persona may be spared one by name.
deny contains reason if {
	some name
	some found in data.ecsmcp.guardrails[name].deny
	not persona.guardrails_off[name]
	reason := as_reason(name, found)
}

# Most policies that people have put plain messages into deny. What is neither a
# message nor a reason becomes one that the proxy cannot read, which denies.
as_reason(name, found) := object.union(standard_reason(name), found) if {
	is_object(found)
} else := object.union(standard_reason(name), {"message": found})

# Title and remedy of a guardrail of the user's own are those of its METADATA.
standard_reason(name) := object.union({"code": name, "title": name}, about) if {
	about := data.ecsmcp.config.guardrails[name]
} else := {"code": name, "title": name}

deny contains {
	"code": "no_persona",
	"title": "Unknown persona",
	"message": sprintf("no persona is named %q", [input.persona]),
	"remedy": "Give the principal a persona that the configuration has.",
} if {
	not persona
}

deny contains {
	"code": "no_access",
	"title": "Nothing to decide",
	"message": "the call was resolved to no access at all",
	"remedy": "Let the catalogue name at least one access for the call.",
} if {
	count(input.accesses) == 0
}

# What the proxy must do if the call goes ahead.
obligation contains o if {
	some name
	some o in data.ecsmcp.guardrails[name].obligation
	not persona.guardrails_off[name]
}

# Deny statements that the grant repeats, so that AWS checks again at use.
session_deny contains s if {
	some name
	some s in data.ecsmcp.guardrails[name].session_deny
	not persona.guardrails_off[name]
}

# What a guardrail wants to be kept in the record, by its name.
context := {name: found |
	some name
	found := data.ecsmcp.guardrails[name].context
	not persona.guardrails_off[name]
}

default allow := false

allow if {
	count(denies) == 0
	judged.allow == true
	count(judged.accesses) == count(input.accesses)
}
