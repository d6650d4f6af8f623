package ecsmcp.guardrails.confirm

import data.ecsmcp.iam
import data.ecsmcp.lib.tags

# METADATA
# scope: document
# title: A person agrees first
# description: |
#   Before a call that changes something goes ahead, the client's user is asked,
#   by the client, and must agree. It is off by default. It is the consent of
#   whoever sits at the client; a client that answers for its user is not told
#   from one that asks. What cannot be told of a tag is asked about.
# custom:
#   default: off
#   remedy: Ask for a call that need not be confirmed, or use a client that can ask its user.
obligation contains {"kind": "confirm"} if {
	input.call.write == true
	some access in confirmed
	count(lifting(access)) == 0
}

obligation contains {"kind": "confirm", "needs": needs} if {
	input.call.write == true
	some access in confirmed
	needs := lifting(access)
	count(needs) > 0
}

# A setting that says nothing must not switch the guardrail off.
deny contains {"message": message} if {
	input.call.write == true
	some message in nonsense
}

nonsense contains "the setting actions of guardrail confirm is empty, so nobody would be asked about anything; turn it off by name instead" if settings.actions == []

nonsense contains sprintf("the setting actions of guardrail confirm lists %q, which is no action; write SERVICE:NAME, or *", [pattern]) if {
	some pattern in settings.actions
	pattern != "*"
	not contains(pattern, ":")
}

nonsense contains "the setting tag of guardrail confirm is empty; name the tag that its values are of" if trim_space(settings.tag) == ""

# actions: those that are asked about, with wildcards. values: if there are any,
# only what has one of them as its tag is asked about.
default settings := {"actions": ["*"], "tag": "Environment", "values": []}

settings := data.ecsmcp.config.personas[input.persona].guardrails.confirm

# The accesses that the user is asked about for.
confirmed contains access if {
	some access in input.accesses
	some pattern in settings.actions
	iam.glob_matches(lower(pattern), lower(access.action))
	is_of_value(access)
}

is_of_value(_) if settings.values == []

# The tags of a role that is passed are not looked up.
is_of_value(access) if {
	lower(access.action) != "iam:passrole"
	tags.state(access, settings.tag, settings.values) in {"listed", "unknown"}
}

# lifting(access): the keys whose value could make it one that nobody is asked about.
lifting(access) := tags.needs(access, settings.tag) if {
	settings.values != []
	tags.state(access, settings.tag, settings.values) == "unknown"
} else := []
