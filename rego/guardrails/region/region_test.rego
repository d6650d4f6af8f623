package ecsmcp.guardrails.region_test

import data.ecsmcp.guardrails.region

ask(accesses) := {
	"persona": "p", "region": "us-east-1", "call": {"method": "tools/call"}, "accesses": accesses,
	"regions": {region: true | some access in accesses; region := access.context["aws:RequestedRegion"]; not access.global},
}

in_region(action, region) := {"action": action, "resource": "*", "context": {"aws:RequestedRegion": region}}

test_allowed[note] if {
	some note, accesses in {
		"the proxy's region": [in_region("ecs:DeleteService", "us-east-1"), in_region("ecr:ListImages", "us-east-1")],
		"a global service": [object.union(in_region("iam:PassRole", "us-east-1"), {"global": true}), in_region("ecs:RunTask", "us-east-1")],
		"a service listed as global": [in_region("sts:AssumeRole", "us-west-2")],
		"a global access without a region": [{"action": "iam:GetRole", "resource": "*", "context": {}, "global": true}],
		"what touches no AWS API": [{"action": "mcp:CallTool", "resource": "*", "context": {}}],
		"the key in another spelling": [{"action": "ecs:RunTask", "resource": "*", "context": {"AWS:requestedregion": "us-east-1"}}],
	}
	count(region.deny) == 0 with input as ask(accesses)
}

test_denied[note] if {
	some note, accesses in {
		"another region": [in_region("ecs:DeleteService", "eu-west-1")],
		"another service there": [in_region("ecs:RunTask", "us-east-1"), in_region("ecr:DeleteRepository", "eu-west-1")],
		"beside a global one": [object.union(in_region("iam:PassRole", "us-east-1"), {"global": true}), in_region("ecs:RunTask", "eu-west-1")],
		"no region": [{"action": "ecs:RunTask", "resource": "*", "context": {}}],
		"a region nobody knows": [{"action": "ecs:RunTask", "resource": "*", "context": {}, "unknown": ["aws:RequestedRegion"]}],
		"no value": [{"action": "ecs:RunTask", "resource": "*", "context": {"AWS:RequestedRegion": []}}],
	}
	count(region.deny) == 1 with input as ask(accesses)
}

test_more_regions_are_a_setting if {
	count(region.deny) == 0 with input as ask([in_region("ecs:RunTask", "eu-west-1")])
		with data.ecsmcp.config.personas as {"p": {"guardrails": {"region": {"regions": ["eu-west-1"], "global_services": []}}}}
}

test_global_services_are_a_setting if {
	count(region.deny) == 1 with input as ask([in_region("sts:AssumeRole", "eu-west-1")])
		with data.ecsmcp.config.personas as {"p": {"guardrails": {"region": {"regions": [], "global_services": []}}}}
}
