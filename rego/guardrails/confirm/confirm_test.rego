package ecsmcp.guardrails.confirm_test

import data.ecsmcp.guardrails.confirm

service := {
	"action": "ecs:UpdateService", "resource": "arn:aws:ecs:us-east-1:1:service/shop/web",
	"context": {"aws:RequestedRegion": "us-east-1"}, "unknown": ["aws:ResourceTag/*"],
}

tagged(value) := object.union(service, {"context": {"aws:ResourceTag/Environment": value}, "unknown": []})

ask(write, access) := {
	"persona": "p", "region": "us-east-1", "account": "1",
	"call": {"method": "tools/call", "write": write, "arguments": {}},
	"actions": {lower(access.action): true},
	"accesses": [access],
}

with_settings(settings) := {"p": {"guardrails": {"confirm": settings}}}

test_a_change_is_confirmed if confirm.obligation == {{"kind": "confirm"}} with input as ask(true, service)

test_a_read_is_not if count(confirm.obligation) == 0 with input as ask(false, service)

test_actions_is_a_setting[note] if {
	some note, tc in {
		"listed": [["ecs:UpdateService"], 1],
		"in another case": [["ECS:updateservice"], 1],
		"by a wildcard": [["ecs:Delete*", "ecs:Update*"], 1],
		"not listed": [["ecs:Delete*"], 0],
	}
	count(confirm.obligation) == tc[1] with input as ask(true, service)
		with data.ecsmcp.config.personas as with_settings({"actions": tc[0], "tag": "Environment", "values": []})
}

production := with_settings({"actions": ["*"], "tag": "Environment", "values": ["production"]})

test_values_is_a_setting[note] if {
	some note, tc in {
		"of the value": [tagged("production"), {{"kind": "confirm"}}],
		"of the value, with another case": [tagged(" Production"), {{"kind": "confirm"}}],
		"of another value": [tagged("staging"), set()],
		"not looked up": [service, {{"kind": "confirm", "needs": ["aws:ResourceTag/Environment"]}}],
		"what has no tags at AWS": [object.union(service, {"resource": "*"}), {{"kind": "confirm"}}],
		"a role that is passed": [object.union(service, {"action": "iam:PassRole"}), set()],
		"what is new": [object.union(service, {"creates": true}), set()],
	}
	confirm.obligation == tc[1] with input as ask(true, tc[0])
		with data.ecsmcp.config.personas as production
}

test_settings_that_say_nothing_are_refused[note] if {
	some note, tc in {
		"as they are": [{}, 0],
		"no actions": [{"actions": []}, 1],
		"no action": [{"actions": ["Delete"]}, 1],
		"no tag": [{"tag": " "}, 1],
	}
	count(confirm.deny) == tc[1] with input as ask(true, service)
		with data.ecsmcp.config.personas as with_settings(object.union({"actions": ["*"], "tag": "Environment", "values": []}, tc[0]))
}

test_reads_are_not_refused if count(confirm.deny) == 0 with input as ask(false, service)
	with data.ecsmcp.config.personas as with_settings({"actions": [], "tag": "Environment", "values": []})
