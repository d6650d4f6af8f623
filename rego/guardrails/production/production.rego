package ecsmcp.guardrails.production

import data.ecsmcp.iam
import data.ecsmcp.lib.arguments
import data.ecsmcp.lib.tags

# METADATA
# scope: document
# title: Production stays up
# description: |
#   What is production by its tag is not deleted, stopped or scaled below its
#   minimum, whatever the persona allows. IAM has no words for a desired count,
#   and AWS looks at no tag where it deregisters a task definition or deletes a
#   stack; here the tags of what the call is about are looked up and decide.
# custom:
#   remedy: Let a person do this outside the proxy, or ask for a resource that is not production.
deny contains {"message": message, "needs": needs} if {
	input.call.write == true
	some action in protected_actions
	some access in input.accesses
	lower(access.action) == action
	some message
	needs := refusals(access, object.get(effects, action, "change"))[message]
}

# A setting that says nothing must not switch the guardrail off.
deny contains {"message": message} if {
	input.call.write == true
	some message in nonsense
}

nonsense contains "the setting tag of guardrail production is empty; name the tag that marks production" if trim_space(settings.tag) == ""

nonsense contains "the settings of guardrail production list no values and allow what is untagged, so nothing would be production; turn it off by name instead" if {
	settings.values == []
	settings.untagged == "allow"
}

nonsense contains sprintf("the setting more of guardrail production lists %q, which is no action; write SERVICE:NAME", [pattern]) if {
	some pattern in settings.more
	not contains(pattern, ":")
}

# A number that cannot be read may be any.
deny contains {"message": message} if {
	input.call.write == true
	some action in protected_actions
	effects[action] == "scale down"
	some message in arguments.unreadable
}

default settings := {
	"tag": "Environment",
	"values": ["production", "prod"],
	"untagged": "allow",
	"delete": true,
	"stop": true,
	"minimum": 1,
	"more": [],
}

settings := data.ecsmcp.config.personas[input.persona].guardrails.production

effects := {
	"cloudformation:deletestack": "delete",
	"ecr:deleterepository": "delete",
	"ecs:deletecapacityprovider": "delete",
	"ecs:deletecluster": "delete",
	"ecs:deletedaemon": "delete",
	"ecs:deletedaemontaskdefinition": "delete",
	"ecs:deleteexpressgatewayservice": "delete",
	"ecs:deleteservice": "delete",
	"ecs:deletetaskdefinitions": "delete",
	"ecs:deletetaskset": "delete",
	"ecs:deregistercontainerinstance": "deregister",
	"ecs:deregistertaskdefinition": "deregister",
	"ecs:stoptask": "stop",
	"ecs:updatecontainerinstancesstate": "drain",
	"ecs:updateexpressgatewayservice": "scale down",
	"ecs:updateservice": "scale down",
	"ecs:updatetaskset": "scale down",
}

# The actions of the call that may not be done to production.
protected_actions contains action if {
	some action, _ in input.actions
	is_refused(effects[action])
}

protected_actions contains action if {
	some pattern in settings.more
	some action, _ in input.actions
	iam.glob_matches(lower(pattern), action)
}

is_refused(effect) if {
	effect in {"delete", "deregister"}
	settings.delete == true
}

is_refused("stop") if settings.stop == true

# Draining an instance stops its tasks; what is not plainly ACTIVE may be that.
is_refused("drain") if {
	settings.stop == true
	not is_activated
}

is_activated if {
	found := [upper(trim_space(sprintf("%v", [m.value]))) | some m in arguments.named({"status"})]
	count(found) > 0
	every status in found {
		status == "ACTIVE"
	}
}

is_refused("scale down") if is_scaled_down

is_scaled_down if {
	some m in arguments.named({"desiredcount", "count", "mintaskcount", "maxtaskcount", "mincapacity", "maxcapacity"})
	is_too_few(m.value)
}

# The scale of a task set is a share of its service; a share of nothing is none.
is_scaled_down if {
	some m in arguments.named({"value"})
	arguments.fold(m.path[count(m.path) - 2]) == "scale"
	settings.minimum > 0
	not arguments.is_at_least(m.value, 0.000001)
}

is_scaled_down if {
	settings.minimum > 0
	count(arguments.unreadable) > 0
}

is_too_few(value) if {
	settings.minimum > 0
	not arguments.is_at_least(value, settings.minimum)
}

# refusals(access, effect): messages, each with the keys that could lift it.
refusals(access, effect) := {sprintf("%s would %s %s, which its tag %q marks as production", [access.action, effect, about(access), settings.tag]): []} if {
	state(access) == "listed"
} else := {sprintf("%s would %s %s, and whether its tag %q marks it as production could not be determined", [access.action, effect, about(access), settings.tag]): tags.needs(access, settings.tag)} if {
	state(access) == "unknown"
} else := {sprintf("%s would %s %s, which has no tag %q", [access.action, effect, about(access), settings.tag]): []} if {
	state(access) == "absent"
	settings.untagged != "allow"
	not access.creates
}

state(access) := tags.state(access, settings.tag, settings.values)

about(access) := object.get(access, "subject", access.resource)

# AWS looks at the tag again where it can, at the moment of use.
session_deny contains {"Action": actions, "Resource": ["*"], "Condition": condition} if {
	input.call.write == true
	count(protected_actions) > 0
	actions := checked_by_aws
	count(actions) > 0
	some condition in conditions
}

checked_by_aws := sort({access.action |
	some access in input.accesses
	lower(access.action) in protected_actions
	access.taggable
	not access.creates
})

conditions contains {"StringEqualsIgnoreCase": {concat("", ["aws:ResourceTag/", settings.tag]): settings.values}} if count(settings.values) > 0

conditions contains {"Null": {concat("", ["aws:ResourceTag/", settings.tag]): ["true"]}} if settings.untagged != "allow"
