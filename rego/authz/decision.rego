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
#   allowed if no guardrail denies it and every access that the server cannot do
#   without is allowed; a call without accesses, or with none allowed, is not.
# entrypoint: true
decision := {
	"allow": allow,
	"accesses": results,
	"denies": denies,
	"obligations": [],
}

persona := data.ecsmcp.config.personas[input.persona]

# One call for all accesses, with the documents themselves as its argument, so
# that a native function can stand in for it.
results := iam.evaluate(persona, input.accesses) if {
	persona
} else := [nobody | some _ in input.accesses]

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
deny contains reason if {
	some name
	some reason in data.ecsmcp.guardrails[name].deny
}

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

default allow := false

allow if {
	count(denies) == 0
	count(results) == count(input.accesses)
	"allowed" in {result.decision | some result in results}
	every i, access in input.accesses {
		is_tolerable(access, results[i])
	}
}

is_tolerable(_, result) if result.decision == "allowed"

is_tolerable(access, _) if access.optional
