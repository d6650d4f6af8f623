package ecsmcp.guardrails.iam_escalation

import data.ecsmcp.iam

# METADATA
# scope: document
# title: No new rights
# description: |
#   Whoever may change roles, policies, users or keys may give themselves any
#   right. So a call changes nothing of IAM and assumes no role. Passing a role is
#   a guardrail of its own. The image tool and delete_app make and delete one role,
#   named after the app: the settings leave those actions on those roles open, and
#   the persona's documents still decide about them.
# custom:
#   remedy: Let a person change IAM outside the proxy, or add the action and the role to the settings.
deny contains {"message": sprintf("%s would change what somebody may do (%s)", [access.action, access.resource])} if {
	input.call.write == true
	some action, _ in input.actions
	startswith(action, "iam:")
	not is_harmless(action)
	some access in input.accesses
	lower(access.action) == action
	not is_open(action, access.resource)
}

deny contains {"message": sprintf("%s would change what somebody may do (%s)", [access.action, access.resource])} if {
	input.call.write == true
	some action, _ in input.actions
	startswith(action, "sts:assume")
	some access in input.accesses
	lower(access.action) == action
	not is_open(action, access.resource)
}

# AWS counts these as reading.
deny contains {"message": sprintf("%s would make credentials of its own (%s)", [access.action, access.resource])} if {
	some action in {"sts:getfederationtoken", "sts:getsessiontoken"}
	input.actions[action] == true
	some access in input.accesses
	lower(access.action) == action
	not is_open(action, access.resource)
}

default settings := {
	"actions": ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole", "sts:AssumeRole"],
	"roles": ["*-ecr-role"],
}

settings := data.ecsmcp.config.personas[input.persona].guardrails.iam_escalation

# Reading changes nothing; a service-linked role does only what AWS defined.
is_harmless(action) if action in {"iam:passrole", "iam:createservicelinkedrole"}

is_harmless(action) if strings.any_prefix_match(action, ["iam:get", "iam:list", "iam:simulate", "iam:generate"])

# Only of one role by its name: a wildcard in the resource may be any.
is_open(action, arn) if {
	action in {lower(open) | some open in settings.actions}
	not iam.has_wildcard(arn)
	some pattern in settings.roles
	iam.glob_matches(pattern, substring(arn, indexof(arn, ":role/") + count(":role/"), -1))
	contains(arn, ":role/")
}
