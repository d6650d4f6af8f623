package ecsmcp.guardrails.iam_escalation_test

import data.ecsmcp.guardrails.iam_escalation

role(name) := concat("", ["arn:aws:iam::123456789012:role/", name])

ask(action, resource) := {
	"persona": "p", "call": {"write": true}, "actions": {lower(action): true},
	"accesses": [{"action": action, "resource": resource, "context": {}}],
}

test_denied[note] if {
	some note, tc in {
		"a role": ["iam:CreateRole", role("admin")],
		"a policy of a role": ["iam:AttachRolePolicy", role("admin")],
		"an inline policy": ["iam:PutRolePolicy", role("web")],
		"a version of a policy": ["iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/p"],
		"who may assume a role": ["iam:UpdateAssumeRolePolicy", role("web-ecr-role")],
		"a policy of the app's role": ["iam:AttachRolePolicy", role("web-ecr-role")],
		"a user": ["iam:CreateUser", "arn:aws:iam::123456789012:user/u"],
		"an access key": ["iam:CreateAccessKey", "arn:aws:iam::123456789012:user/u"],
		"a tag that rights depend on": ["iam:TagRole", role("web")],
		"an action nobody has heard of": ["iam:FrobnicateRole", role("web-ecr-role")],
		"assuming a role": ["sts:AssumeRole", role("admin")],
		"assuming a role by a token": ["sts:AssumeRoleWithWebIdentity", role("web-ecr-role")],
		"a federated session": ["sts:GetFederationToken", "*"],
		"every role": ["iam:CreateRole", role("*")],
		"what may be any of the app's roles": ["iam:CreateRole", role("*-ecr-role")],
		"a user of that name": ["iam:CreateRole", "arn:aws:iam::123456789012:user/web-ecr-role"],
		"in another spelling": ["IAM:createrole", role("admin")],
	}
	count(iam_escalation.deny) == 1 with input as ask(tc[0], tc[1])
}

# AWS's own access level of these is Read, so a catalogue may call them reading.
test_denied_though_the_call_reads[action] if {
	some action in ["sts:GetFederationToken", "sts:GetSessionToken"]
	count(iam_escalation.deny) == 1 with input as object.union(ask(action, "*"), {"call": {"write": false}})
}

test_allowed[note] if {
	some note, tc in {
		"reading": ["iam:GetRole", role("admin")],
		"passing, which is judged elsewhere": ["iam:PassRole", role("admin")],
		"a service-linked role": ["iam:CreateServiceLinkedRole", role("aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")],
		"who am I": ["sts:GetCallerIdentity", "*"],
		"the app's role": ["iam:CreateRole", role("web-ecr-role")],
		"its policy": ["iam:PutRolePolicy", role("web-ecr-role")],
		"assuming it": ["sts:AssumeRole", role("web-ecr-role")],
		"deleting it": ["iam:DeleteRole", role("web-ecr-role")],
		"something else": ["ecs:CreateService", "*"],
	}
	count(iam_escalation.deny) == 0 with input as ask(tc[0], tc[1])
}

test_settings[note] if {
	some note, tc in {
		"an action is open": [0, "iam:TagRole", role("web-1")],
		"on other roles it is not": [1, "iam:TagRole", role("db-1")],
		"others are not": [1, "iam:CreateRole", role("web-1")],
	}
	tc[0] == count(iam_escalation.deny) with input as ask(tc[1], tc[2])
		with data.ecsmcp.config.personas as {"p": {"guardrails": {"iam_escalation": {"actions": ["iam:TagRole"], "roles": ["web-*"]}}}}
}
