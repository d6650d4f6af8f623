package ecsmcp.guardrails.agent_api_test

import data.ecsmcp.guardrails.agent_api

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"agent_api": settings}}}

test_denied[action] if {
	some action in ["ecs:RegisterContainerInstance", "ecs:SubmitTaskStateChange", "ecs:SubmitContainerStateChange", "ecs:SubmitAttachmentStateChanges", "ecs:DiscoverPollEndpoint", "ecs:Poll"]
	count(agent_api.deny) == 1 with input as ask(action, {})
}

test_other_calls_are_allowed if count(agent_api.deny) == 0 with input as ask("ecs:DeregisterContainerInstance", {})

test_allow_is_a_setting if {
	count(agent_api.deny) == 0 with input as ask("ecs:RegisterContainerInstance", {})
		with data.ecsmcp.config.personas as with_settings({"allow": ["ecs:RegisterContainerInstance"]})
	count(agent_api.deny) == 1 with input as ask("ecs:Poll", {})
		with data.ecsmcp.config.personas as with_settings({"allow": ["ecs:RegisterContainerInstance"]})
}
