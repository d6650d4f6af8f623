package ecsmcp.guardrails.redact_answers_test

import data.ecsmcp.guardrails.redact_answers

ask(action) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": false, "arguments": {}},
	"actions": {lower(action): true, "mcp:calltool": true},
	"accesses": [{"action": action, "resource": "*", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"redact_answers": settings}}}

test_redacted[action] if {
	some action in {"ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:StopTask", "ecs:ExecuteCommand", "ECS:describetasks"}
	{{"kind": "redact", "members": ["environment.value", "repositoryCredentials", "secrets.valueFrom", "tokenValue"]}} == redact_answers.obligation with input as ask(action)
}

test_other_answers_are_left_alone[action] if {
	some action in {"ecs:DescribeServices", "ecs:ListTaskDefinitions", "logs:GetLogEvents"}
	count(redact_answers.obligation) == 0 with input as ask(action)
}

test_members_are_a_setting if {
	{{"kind": "redact", "members": ["environment.value", "command"]}} == redact_answers.obligation with input as ask("ecs:RunTask")
		with data.ecsmcp.config.personas as with_settings({"members": ["environment.value", "command"]})
}

test_no_member_is_no_obligation if count(redact_answers.obligation) == 0 with input as ask("ecs:RunTask")
	with data.ecsmcp.config.personas as with_settings({"members": []})
