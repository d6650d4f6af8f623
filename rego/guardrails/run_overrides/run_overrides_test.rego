package ecsmcp.guardrails.run_overrides_test

import data.ecsmcp.guardrails.run_overrides

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"run_overrides": settings}}}

override(more) := {"taskDefinition": "web:1", "overrides": {"containerOverrides": [object.union({"name": "web"}, more)]}}

test_denied[note] if {
	some note, given in {
		"a command": override({"command": ["sh"]}),
		"a variable": override({"environment": [{"name": "A", "value": "1"}]}),
		"a file of variables": override({"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/f"}]}),
		"the task's role": {"overrides": {"taskRoleArn": "admin"}},
		"the execution role": {"overrides": {"execution_role_arn": "admin"}},
		"a command beside other arguments": {"command": "sh"},
		"a document as text": {"overrides": "{}"},
	}
	count(run_overrides.deny) > 0 with input as ask("ecs:RunTask", given)
	count(run_overrides.deny) > 0 with input as ask("ecs:StartTask", given)
}

test_allowed[note] if {
	some note, given in {
		"none": {"taskDefinition": "web:1", "count": 2},
		"an empty one": override({"command": [], "environment": []}),
		"resources": override({"cpu": 256, "memory": 512}),
	}
	count(run_overrides.deny) == 0 with input as ask("ecs:RunTask", given)
}

test_other_calls_are_not_read if count(run_overrides.deny) == 0 with input as ask("ecs:RegisterTaskDefinition", override({"command": ["sh"]}))

test_settings[note] if {
	some note, tc in {
		"a command is allowed": [0, ["role"], override({"command": ["sh"]})],
		"a role is not": [1, ["role"], {"overrides": {"taskRoleArn": "admin"}}],
		"resources are not": [1, ["resources"], override({"memory": 512})],
		"a misspelled one denies": [1, ["comand"], {"taskDefinition": "web:1"}],
	}
	tc[0] == count(run_overrides.deny) with input as ask("ecs:RunTask", tc[2])
		with data.ecsmcp.config.personas as with_settings({"refuse": tc[1]})
}
