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
	# What the proxy must do if the call goes ahead.
	"obligations": [found |
		some name in (asked.obligation - off)
		some found in data.ecsmcp.guardrails[name].obligation
	],
	# Deny statements that the grant repeats, so that AWS checks again at use.
	"session_deny": [found |
		some name in (asked.session_deny - off)
		some found in data.ecsmcp.guardrails[name].session_deny
	],
	# What a guardrail wants to be kept in the record, by its name.
	"context": {name: found |
		some name in (asked.context - off)
		found := data.ecsmcp.guardrails[name].context
	},
} if {
	persona := data.ecsmcp.config.personas[input.persona]
	input.accesses != []

	# In the proxy its native twin judges, and Go makes the decision as this rule does.
	judged := iam.evaluate(persona, input.accesses)

	# A persona may be spared a guardrail by name.
	asked := rails(input)
	off := object.keys(object.get(persona, "guardrails_off", {}))

	denies := [reason |
		some name in (asked.deny - off)
		some found in data.ecsmcp.guardrails[name].deny
		reason := as_reason(name, found)
	]
	allow := [judged.allow, count(judged.accesses), object.keys(asked), denies] == [true, count(input.accesses), rail_rules, []]
} else := {
	"allow": false,
	"accesses": [nobody | some _ in input.accesses],
	"denies": [reason | some reason in unasked],
	"obligations": [],
	"session_deny": [],
	"context": {},
} if {
	count(unasked) > 0
}

# What rails answers about: a part that it left out must not be taken for nothing.
rail_rules := {"context", "deny", "obligation", "session_deny"}

nobody := {
	"decision": "implicitDeny",
	"layer": "identity",
	"statements": [],
	"unknown": [],
	"possible": false,
	"needs": [],
	"near": [],
}

# unasked: why a request is denied about which neither IAM nor a guardrail is asked.
unasked contains {
	"code": "no_persona",
	"title": "Unknown persona",
	"message": sprintf("no persona is named %q", [input.persona]),
	"remedy": "Give the principal a persona that the configuration has.",
} if {
	not data.ecsmcp.config.personas[input.persona]
}

unasked contains {
	"code": "no_access",
	"title": "Nothing to decide",
	"message": "the call was resolved to no access at all",
	"remedy": "Let the catalogue name at least one access for the call.",
} if {
	count(input.accesses) == 0
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
