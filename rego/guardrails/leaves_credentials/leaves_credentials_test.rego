package ecsmcp.guardrails.leaves_credentials_test

import data.ecsmcp.guardrails.leaves_credentials

ask(call) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": object.union({"method": "tools/call", "tool": "push", "write": true, "arguments": {}}, call),
	"actions": {"sts:assumerole": true},
	"accesses": [{"action": "sts:AssumeRole", "resource": "arn:aws:iam::123456789012:role/web-ecr-role", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"leaves_credentials": settings}}}

test_denied if count(leaves_credentials.deny) == 1 with input as ask({"leaves_credentials": true})

test_without_a_name_it_is_denied if {
	count(leaves_credentials.deny) == 1 with input as object.remove(ask({"leaves_credentials": true}), ["call"])
		with input.call as {"write": true, "leaves_credentials": true}
}

test_other_calls_are_allowed[note] if {
	some note, call in {
		"a call that leaves nothing": {},
		"one that says so": {"leaves_credentials": false},
		"one whose work goes on after it": {"escapes_scope": true},
	}
	count(leaves_credentials.deny) == 0 with input as ask(call)
}

test_tools_is_a_setting if {
	count(leaves_credentials.deny) == 0 with input as ask({"leaves_credentials": true})
		with data.ecsmcp.config.personas as with_settings({"tools": ["push"]})
	count(leaves_credentials.deny) == 1 with input as ask({"leaves_credentials": true, "tool": "pull"})
		with data.ecsmcp.config.personas as with_settings({"tools": ["push"]})
}
