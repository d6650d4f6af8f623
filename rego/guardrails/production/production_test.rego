package ecsmcp.guardrails.production_test

import data.ecsmcp.guardrails.production

service := "arn:aws:ecs:us-east-1:1:service/shop/web"

definition := "arn:aws:ecs:us-east-1:1:task-definition/web:1"

ask(access, given) := {
	"persona": "p",
	"call": {"write": true, "arguments": {"api_params": given}},
	"actions": {lower(access.action): true},
	"accesses": [access],
}

tagged(action, value) := {"action": action, "resource": service, "taggable": true, "context": {"aws:ResourceTag/Environment": value}}

subject(action, value) := {"action": action, "resource": "*", "subject": definition, "unscopable": true, "context": {"ecs-mcp-proxy:SubjectTag/Environment": value}}

with_settings(changes) := {"p": {"guardrails": {"production": object.union(production.settings, changes)}}}

test_production_is_not[note] if {
	some note, tc in {
		"deleted": [tagged("ecs:DeleteService", "production"), {}],
		"deleted in another spelling": [tagged("ecs:DeleteCluster", " PROD"), {}],
		"deleted as an Express service": [tagged("ecs:DeleteExpressGatewayService", "production"), {}],
		"deleted as a task set": [tagged("ecs:DeleteTaskSet", "production"), {}],
		"deleted as task definitions": [tagged("ecs:DeleteTaskDefinitions", "production"), {}],
		"deleted as a capacity provider": [tagged("ecs:DeleteCapacityProvider", "production"), {}],
		"deregistered": [subject("ecs:DeregisterTaskDefinition", "production"), {}],
		"deregistered as an instance of its cluster": [tagged("ecs:DeregisterContainerInstance", "production"), {}],
		"deleted with its stack": [subject("cloudformation:DeleteStack", "production"), {}],
		"deleted with its images": [subject("ecr:DeleteRepository", "production"), {}],
		"stopped": [tagged("ecs:StopTask", "production"), {}],
		"drained": [tagged("ecs:UpdateContainerInstancesState", "production"), {"status": "DRAINING"}],
		"drained as far as anybody can tell": [tagged("ecs:UpdateContainerInstancesState", "production"), {"status": 1}],
		"put into no state": [tagged("ecs:UpdateContainerInstancesState", "production"), {}],
		"scaled to zero": [tagged("ecs:UpdateService", "production"), {"desiredCount": 0}],
		"scaled to zero in another spelling": [tagged("ecs:UpdateService", "production"), {"desired_count": "0"}],
		"scaled to nobody knows what": [tagged("ecs:UpdateService", "production"), {"desiredCount": "none"}],
		"scaled in a document": [tagged("ecs:UpdateService", "production"), "{}"],
		"left without a minimum": [tagged("ecs:UpdateExpressGatewayService", "production"), {"scalingTarget": {"minTaskCount": 0}}],
		"reduced to no share": [tagged("ecs:UpdateTaskSet", "production"), {"scale": {"value": 0, "unit": "PERCENT"}}],
	}
	messages := {r.message | some r in production.deny} with input as ask(tc[0], tc[1])
	count(messages) > 0
	every message in messages {
		not contains(lower(message), "prod\"")
	}
}

test_what_is_not_production_is[note] if {
	some note, tc in {
		"deleted": [tagged("ecs:DeleteService", "staging"), {}],
		"deleted without a tag": [{"action": "ecs:DeleteService", "resource": service, "context": {}}, {}],
		"deregistered": [subject("ecs:DeregisterTaskDefinition", "staging"), {}],
		"stopped": [tagged("ecs:StopTask", "staging"), {}],
		"scaled to zero": [tagged("ecs:UpdateService", "staging"), {"desiredCount": 0}],
	}
	count(production.deny) == 0 with input as ask(tc[0], tc[1])
}

test_settings_that_say_nothing_switch_nothing_off[note] if {
	some note, changes in {
		"an empty tag": {"tag": " "},
		"no values": {"values": []},
		"an action that is none": {"more": ["UpdateCluster"]},
	}
	count(production.deny) == 1 with input as ask(tagged("ecs:UpdateService", "staging"), {"desiredCount": 1})
		with data.ecsmcp.config.personas as with_settings(changes)
}

test_production_is[note] if {
	some note, tc in {
		"taken back into use": [tagged("ecs:UpdateContainerInstancesState", "production"), {"status": "active"}],
		"deployed": [tagged("ecs:UpdateService", "production"), {"taskDefinition": "web:2", "forceNewDeployment": true}],
		"scaled up": [tagged("ecs:UpdateService", "production"), {"desiredCount": 1}],
		"created": [object.union(tagged("ecs:CreateService", "production"), {"creates": true}), {"desiredCount": 0}],
		"seen": [tagged("ecs:DescribeServices", "production"), {}],
		"given a value of something else": [tagged("ecs:UpdateService", "production"), {"tags": [{"key": "A", "value": "0"}]}],
		"given a share": [tagged("ecs:UpdateTaskSet", "production"), {"scale": {"value": 50, "unit": "PERCENT"}}],
	}
	count(production.deny) == 0 with input as ask(tc[0], tc[1])
}

test_an_unknown_tag_denies_and_can_be_looked_up if {
	{["aws:ResourceTag/Environment"]} == {r.needs | some r in production.deny} with input as ask({"action": "ecs:DeleteService", "resource": service, "context": {}, "unknown": ["aws:ResourceTag/*"]}, {})
	{["ecs-mcp-proxy:SubjectTag/Environment"]} == {r.needs | some r in production.deny} with input as ask({"action": "ecs:DeregisterTaskDefinition", "resource": "*", "subject": definition, "context": {}, "unknown": ["ecs-mcp-proxy:SubjectTag/*"]}, {})
}

test_what_nobody_can_look_up_is_denied_for_good if {
	{[]} == {r.needs | some r in production.deny} with input as ask({"action": "ecs:DeregisterTaskDefinition", "resource": "*", "unscopable": true, "context": {}}, {})
}

test_each_of_several_is_judged if {
	count(production.deny) == 1 with input as {
		"persona": "p", "call": {"write": true}, "actions": {"ecs:deletetaskdefinitions": true},
		"accesses": [tagged("ecs:DeleteTaskDefinitions", "staging"), object.union(tagged("ecs:DeleteTaskDefinitions", "prod"), {"resource": definition})],
	}
}

test_settings[note] if {
	some note, tc in {
		"another tag": [0, {"tag": "Stage"}, tagged("ecs:DeleteService", "production"), {}],
		"other values": [0, {"values": ["live"]}, tagged("ecs:DeleteService", "production"), {}],
		"what has no tag is denied": [1, {"untagged": "deny"}, {"action": "ecs:DeleteService", "resource": service, "context": {}}, {}],
		"what has another value is not": [0, {"untagged": "deny"}, tagged("ecs:DeleteService", "staging"), {}],
		"deleting is allowed": [0, {"delete": false}, tagged("ecs:DeleteService", "production"), {}],
		"stopping is allowed": [0, {"stop": false}, tagged("ecs:StopTask", "production"), {}],
		"scaling to zero is allowed": [0, {"minimum": 0}, tagged("ecs:UpdateService", "production"), {"desiredCount": 0}],
		"a higher minimum": [1, {"minimum": 3}, tagged("ecs:UpdateService", "production"), {"desiredCount": 2}],
		"a higher minimum is kept": [0, {"minimum": 3}, tagged("ecs:UpdateService", "production"), {"desiredCount": 3}],
		"more actions": [1, {"more": ["ecs:Update*"]}, tagged("ecs:UpdateCluster", "production"), {}],
		"every update": [1, {"more": ["ecs:Update*"]}, tagged("ecs:UpdateService", "production"), {"desiredCount": 5}],
		"more actions on the rest": [0, {"more": ["ecs:Update*"]}, tagged("ecs:UpdateCluster", "staging"), {}],
	}
	tc[0] == count(production.deny) with input as ask(tc[2], tc[3])
		with data.ecsmcp.config.personas as with_settings(tc[1])
}

test_aws_checks_the_tag_again if {
	production.session_deny == {{
		"Action": ["ecs:DeleteService"], "Resource": ["*"],
		"Condition": {"StringEqualsIgnoreCase": {"aws:ResourceTag/Environment": ["production", "prod"]}},
	}} with input as ask(tagged("ecs:DeleteService", "staging"), {})
}

test_aws_checks_that_there_is_a_tag if {
	{"StringEqualsIgnoreCase", "Null"} == {operator | some s in production.session_deny; some operator, _ in s.Condition} with input as ask(tagged("ecs:DeleteService", "staging"), {})
		with data.ecsmcp.config.personas as with_settings({"untagged": "deny"})
}

test_aws_is_not_asked_what_it_cannot_check[note] if {
	some note, tc in {
		"a subject's tag": [subject("ecs:DeregisterTaskDefinition", "staging"), {}],
		"another action": [tagged("ecs:UpdateService", "staging"), {"desiredCount": 2}],
	}
	count(production.session_deny) == 0 with input as ask(tc[0], tc[1])
}
