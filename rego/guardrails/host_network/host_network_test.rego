package ecsmcp.guardrails.host_network_test

import data.ecsmcp.guardrails.host_network

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"host_network": settings}}}

container := {"name": "web", "image": "nginx"}

test_denied[note] if {
	some note, given in {
		"host": {"networkMode": "host", "containerDefinitions": [container]},
		"in another case": {"networkMode": "Host ", "containerDefinitions": [container]},
		"in another spelling": {"network_mode": "host", "containers": [container]},
		"no string": {"networkMode": ["host"], "containerDefinitions": [container]},
		"no containers": {"networkMode": "awsvpc"},
		"a document as text": "{\"networkMode\": \"host\"}",
	}
	count(host_network.deny) > 0 with input as ask("ecs:RegisterTaskDefinition", given)
	count(host_network.deny) > 0 with input as ask("ecs:RegisterDaemonTaskDefinition", given)
}

test_allowed[note] if {
	some note, given in {
		"awsvpc": {"networkMode": "awsvpc", "containerDefinitions": [container]},
		"left out": {"containerDefinitions": [container]},
		"null": {"networkMode": null, "containerDefinitions": [container]},
		"a label of that name": {"containerDefinitions": [object.union(container, {"dockerLabels": {"networkMode": "host"}})]},
	}
	count(host_network.deny) == 0 with input as ask("ecs:RegisterTaskDefinition", given)
}

test_other_calls_are_not_read if count(host_network.deny) == 0 with input as ask("ecs:DescribeTaskDefinition", {"networkMode": "host"})

test_modes_are_a_setting if {
	count(host_network.deny) == 1 with input as ask("ecs:RegisterTaskDefinition", {"networkMode": "bridge", "containerDefinitions": [container]})
		with data.ecsmcp.config.personas as with_settings({"modes": ["host", "bridge"]})
}
