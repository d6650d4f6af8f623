package ecsmcp.guardrails.execute_command_test

import data.ecsmcp.guardrails.execute_command

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"execute_command": settings}}}

test_denied if count(execute_command.deny) == 1 with input as ask("ecs:ExecuteCommand", {"command": "id"})

test_denied_in_another_spelling if count(execute_command.deny) == 1 with input as ask("ECS:executeCommand", {})

test_other_calls_are_not if count(execute_command.deny) == 0 with input as ask("ecs:UpdateService", {"enableExecuteCommand": true})

test_enabling_is_a_setting[note] if {
	some note, tc in {
		"a service": [1, {"enableExecuteCommand": true}],
		"a service in another spelling": [1, {"enable_execute_command": "true"}],
		"switched off": [0, {"enableExecuteCommand": false}],
		"not mentioned": [0, {"desiredCount": 1}],
	}
	tc[0] == count(execute_command.deny) with input as ask("ecs:UpdateService", tc[1])
		with data.ecsmcp.config.personas as with_settings({"enabling": "deny"})
}
