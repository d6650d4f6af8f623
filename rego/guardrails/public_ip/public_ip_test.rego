package ecsmcp.guardrails.public_ip_test

import data.ecsmcp.guardrails.public_ip

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

network(value) := {"networkConfiguration": {"awsvpcConfiguration": {"assignPublicIp": value}}}

test_denied[note] if {
	some note, given in {
		"enabled": network("ENABLED"),
		"in another spelling": {"assign_public_ip": true},
		"a document as text": {"networkConfiguration": "{}"},
	}
	count(public_ip.deny) == 1 with input as ask("ecs:CreateService", given)
}

test_allowed[note] if {
	some note, given in {
		"disabled": network("DISABLED"),
		"left out": {"desiredCount": 1},
	}
	count(public_ip.deny) == 0 with input as ask("ecs:RunTask", given)
}
