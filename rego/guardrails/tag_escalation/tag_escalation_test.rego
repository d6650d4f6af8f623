package ecsmcp.guardrails.tag_escalation_test

import data.ecsmcp.guardrails.tag_escalation

existing := "arn:aws:ecs:us-east-1:1:service/shop/web"

ask(access) := ask_all([access])

ask_all(accesses) := {
	"persona": "p", "call": {"write": true}, "accesses": accesses,
	"actions": {lower(access.action): true | some access in accesses},
}

tag(tags) := {
	"action": "ecs:TagResource",
	"resource": existing,
	"context": object.union({concat("", ["aws:RequestTag/", k]): v | some k, v in tags}, {"aws:TagKeys": [k | some k, _ in tags]}),
	"unknown": ["aws:ResourceTag/*"],
}

untag(keys) := {"action": "ecs:UntagResource", "resource": existing, "context": {"aws:TagKeys": keys}}

create(tags) := object.union(tag(tags), {"creates": true, "context": {"ecs:CreateAction": "CreateService"}})

test_denied[note] if {
	some note, access in {
		"tagging a resource out of production": tag({"Environment": "staging"}),
		"tagging it into production": tag({"Environment": "production"}),
		"among other tags": tag({"Team": "web", "Environment": "staging"}),
		"in another case": tag({"environment": "staging"}),
		"untagging": untag(["Environment"]),
		"untagging in another case": untag(["ENVIRONMENT", "Team"]),
		"another service's tagging": object.union(untag(["Environment"]), {"action": "elasticloadbalancing:RemoveTags"}),
		"a log group's untagging": object.union(untag(["Environment"]), {"action": "logs:UntagLogGroup"}),
		"tags of many resources": object.union(untag(["Environment"]), {"action": "rds:RemoveTagsFromResource"}),
		"an action in another spelling": object.union(untag(["Environment"]), {"action": "ECS:untagresource"}),
		"creating with a look-alike": create({"environment": "staging"}),
		"tagging without saying what": {"action": "ecs:TagResource", "resource": existing, "context": {}},
		"untagging what nobody knows": {"action": "ecs:UntagResource", "resource": existing, "context": {}, "unknown": ["aws:TagKeys"]},
		"a harmless value with keys nobody knows": {"action": "ecs:TagResource", "resource": existing, "context": {"aws:RequestTag/Team": "x"}, "unknown": ["aws:TagKeys"]},
		"a value without its key": {"action": "ecs:TagResource", "resource": existing, "context": {"aws:RequestTag/Environment": "x"}},
		"a key in another spelling": {"action": "ecs:UntagResource", "resource": existing, "context": {"AWS:tagkeys": ["Environment"]}},
	}
	some reason in tag_escalation.deny with input as ask(access)
	reason.message != ""
}

test_not_denied[note] if {
	some note, access in {
		"another tag": tag({"Team": "web"}),
		"untagging another": untag(["Team"]),
		"another tag, though other keys are unknown": object.union(untag(["Team"]), {"unknown": ["aws:*"]}),
		"creating with the tag as policy spells it": create({"Environment": "staging"}),
		"creating without tags": {"action": "ecs:CreateService", "resource": existing, "context": {}, "creates": true},
		"reading tags": {"action": "ecs:ListTagsForResource", "resource": existing, "context": {}},
		"no tagging at all": {"action": "ecs:DeleteService", "resource": existing, "context": {"aws:ResourceTag/Environment": "staging"}},
	}
	count(tag_escalation.deny) == 0 with input as ask(access)
}

test_denied_if_any_access_of_the_call_is if {
	accesses := [tag({"Team": "web"}), untag(["Environment"])]
	count(tag_escalation.deny) == 1 with input as ask_all(accesses)
}

test_protected_tags_are_configuration if {
	count(tag_escalation.deny) == 1 with input as ask(tag({"Stage": "x"}))
		with data.ecsmcp.config.protected_tags as ["Environment", "Stage"]
	count(tag_escalation.deny) == 0 with input as ask(tag({"Stage": "x"}))
}

test_tags_are_a_setting if {
	count(tag_escalation.deny) == 1 with input as ask(tag({"Team": "x"}))
		with data.ecsmcp.config.personas as {"p": {"guardrails": {"tag_escalation": {"tags": ["team"]}}}}
}

test_the_tag_that_marks_production_for_anybody_is_protected if {
	count(tag_escalation.deny) == 1 with input as ask(untag(["Stage"]))
		with data.ecsmcp.config.personas as {"other": {"guardrails": {"production": {"tag": "Stage"}}}}
}
