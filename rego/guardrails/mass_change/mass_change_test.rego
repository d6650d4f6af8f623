package ecsmcp.guardrails.mass_change_test

import data.ecsmcp.guardrails.mass_change

ask(n) := {
	"persona": "p", "call": {"write": true}, "actions": {"ecs:deletetaskdefinitions": true, "iam:passrole": true},
	"accesses": array.concat(
		[{"action": "ecs:DeleteTaskDefinitions", "resource": sprintf("arn:aws:ecs:us-east-1:1:task-definition/web:%d", [i]), "context": {}} | some i in numbers.range(1, n)],
		[{"action": "iam:PassRole", "resource": sprintf("arn:aws:iam::1:role/r%d", [i]), "context": {}} | some i in numbers.range(1, 9)],
	),
}

test_few_are_allowed if count(mass_change.deny) == 0 with input as ask(5)

test_many_are_denied if count(mass_change.deny) == 1 with input as ask(6)

test_many_reads_are_not if count(mass_change.deny) == 0 with input as object.union(ask(6), {"call": {"write": false}})

test_how_many_is_a_setting if {
	count(mass_change.deny) == 1 with input as ask(2)
		with data.ecsmcp.config.personas as {"p": {"guardrails": {"mass_change": {"resources": 1}}}}
}

test_one_resource_by_several_accesses_is_one if {
	count(mass_change.deny) == 0 with input as {
		"persona": "p", "call": {"write": true}, "actions": {"ecs:deregistercontainerinstance": true},
		"accesses": [{"action": "ecs:DeregisterContainerInstance", "resource": "*", "subject": "arn:aws:ecs:us-east-1:1:container-instance/a/b", "context": {"ecs:cluster": sprintf("%d", [i])}} | some i in numbers.range(1, 9)],
	}
}
