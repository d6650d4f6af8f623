package ecsmcp.guardrails.pass_role_test

import data.ecsmcp.guardrails.pass_role

role(name) := concat("", ["arn:aws:iam::123456789012:role/", name])

ask(access) := {"persona": "p", "call": {"method": "tools/call"}, "actions": {"iam:passrole": true}, "accesses": [access]}

pass(arn, service) := {"action": "iam:PassRole", "resource": arn, "context": {"iam:PassedToService": service}, "global": true}

settings(roles, unnamed) := {"p": {"guardrails": {"pass_role": {"services": ["ecs-tasks.amazonaws.com"], "roles": roles, "unnamed": unnamed}}}}

test_allowed[note] if {
	some note, access in {
		"to tasks": pass(role("task"), "ecs-tasks.amazonaws.com"),
		"to ECS itself": pass(role("infrastructure"), "ecs.amazonaws.com"),
		"roles that the call does not name": pass(role("*"), "ecs-tasks.amazonaws.com"),
		"something else": {"action": "ecs:RunTask", "resource": "*", "context": {}},
	}
	count(pass_role.deny) == 0 with input as ask(access)
}

test_denied[note] if {
	some note, access in {
		"to EC2": pass(role("task"), "ec2.amazonaws.com"),
		"to whom nobody knows": {"action": "iam:PassRole", "resource": role("task"), "context": {}, "unknown": ["iam:PassedToService"]},
		"to nobody": {"action": "iam:PassRole", "resource": role("task"), "context": {}},
		"to one of several": {"action": "iam:PassRole", "resource": role("task"), "context": {"iam:PassedToService": ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com"]}},
		"the action in another spelling": {"action": "IAM:passrole", "resource": role("task"), "context": {}},
	}
	count(pass_role.deny) == 1 with input as ask(access)
}

test_listed_roles[note] if {
	some note, tc in {
		"by name": [0, ["task"], role("task")],
		"by pattern": [0, ["web-*"], role("web-task")],
		"by pattern of one character": [0, ["web-?"], role("web-1")],
		"by path": [0, ["app/*"], role("app/task")],
		"by ARN": [0, [role("task")], role("task")],
		"by ARN pattern": [0, ["arn:aws:iam::*:role/app/*"], role("app/task")],
		"all that one pattern means": [0, ["web-*"], role("web-*")],
		"all that one ARN pattern means": [0, [role("web-*")], role("web-*")],
		"another name": [1, ["task"], role("admin")],
		"a name is not the end of a path": [1, ["task"], role("app/task")],
		"another account": [1, [role("task")], "arn:aws:iam::999999999999:role/task"],
		"what is no role": [1, ["task"], "arn:aws:iam::123456789012:user/task"],
		"more than the pattern means": [1, ["web-*"], role("*")],
		"one character is not many": [1, ["web-?"], role("web-*")],
		"none": [1, [], role("task")],
	}
	tc[0] == count(pass_role.deny) with input as ask(pass(tc[2], "ecs-tasks.amazonaws.com"))
		with data.ecsmcp.config.personas as settings(tc[1], "deny")
}

test_roles_that_are_not_named_are_a_setting if {
	count(pass_role.deny) == 0 with input as ask(pass(role("*"), "ecs-tasks.amazonaws.com"))
		with data.ecsmcp.config.personas as settings(["web-*"], "allow")
	count(pass_role.deny) == 1 with input as ask(pass(role("admin"), "ecs-tasks.amazonaws.com"))
		with data.ecsmcp.config.personas as settings(["web-*"], "allow")
}

definition := "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3"

test_roles_of_a_task_definition_are_looked_up if {
	unsettled := object.union(pass(role("*"), "ecs-tasks.amazonaws.com"), {"subject": definition, "unknown": ["aws:SourceIp", "ecs-mcp-proxy:Resource/TaskRole"]})
	{["ecs-mcp-proxy:Resource/TaskRole"]} == {reason.needs | some reason in pass_role.deny} with input as ask(unsettled)
		with data.ecsmcp.config.personas as settings(["web-*"], "deny")
	count(pass_role.deny) == 0 with input as ask(unsettled)
		with data.ecsmcp.config.personas as settings(["web-*"], "allow")
}

test_what_was_looked_up_is_judged_and_not_told if {
	looked_up := object.union(pass(role("admin"), "ecs-tasks.amazonaws.com"), {"subject": definition})
	every unnamed in ["deny", "allow"] {
		{{"message": sprintf("a role of %s is not among the roles that may be passed", [definition])}} == pass_role.deny with input as ask(looked_up)
			with data.ecsmcp.config.personas as settings(["web-*"], unnamed)
	}
	count(pass_role.deny) == 0 with input as ask(looked_up)
		with data.ecsmcp.config.personas as settings(["adm*"], "deny")
}

test_no_service_may_be_listed if {
	{"arn:aws:iam::123456789012:role/task would be passed to ecs.amazonaws.com, and roles may be passed to nobody"} == {r.message | some r in pass_role.deny} with input as ask(pass(role("task"), "ecs.amazonaws.com"))
		with data.ecsmcp.config.personas as {"p": {"guardrails": {"pass_role": {"services": [], "roles": ["*"], "unnamed": "deny"}}}}
}
