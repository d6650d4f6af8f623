package ecsmcp.guardrails.scale_limit_test

import data.ecsmcp.guardrails.scale_limit

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"scale_limit": settings}}}

test_denied[note] if {
	some note, given in {
		"a service": {"desiredCount": 101},
		"as text": {"desired_count": "1000"},
		"tasks": {"count": 101},
		"an Express service": {"scalingTarget": {"maxTaskCount": 500}},
		"what is no number": {"desiredCount": "many"},
		"a document as text": {"service": "{}"},
	}
	count(scale_limit.deny) == 1 with input as ask("ecs:UpdateService", given)
}

test_allowed[note] if {
	some note, given in {
		"few": {"desiredCount": 100},
		"none": {"desiredCount": 0},
		"left out": {"forceNewDeployment": true},
	}
	count(scale_limit.deny) == 0 with input as ask("ecs:UpdateService", given)
}

test_how_many_is_a_setting if {
	count(scale_limit.deny) == 1 with input as ask("ecs:UpdateService", {"desiredCount": 4})
		with data.ecsmcp.config.personas as with_settings({"tasks": 3})
}
