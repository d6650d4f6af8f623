package ecsmcp.guardrails.forced_delete_test

import data.ecsmcp.guardrails.forced_delete

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

test_denied[note] if {
	some note, given in {
		"with force": {"service": "web", "force": true},
		"as text": {"force_delete": "true"},
	}
	count(forced_delete.deny) == 1 with input as ask("ecs:DeleteService", given)
}

test_allowed[note] if {
	some note, given in {
		"without": {"service": "web"},
		"without force": {"service": "web", "force": false},
		"a new deployment": {"forceNewDeployment": true},
	}
	count(forced_delete.deny) == 0 with input as ask("ecs:DeleteService", given)
}
