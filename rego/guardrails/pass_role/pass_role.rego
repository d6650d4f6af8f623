package ecsmcp.guardrails.pass_role

import data.ecsmcp.iam

# METADATA
# scope: document
# title: Roles that may be passed
# description: |
#   Whoever passes a role to a task has what the role may do. So roles go to the
#   services that run ECS tasks only, and, once the setting roles is narrowed,
#   only those that it lists. A role that goes to nobody knows whom is refused.
# custom:
#   remedy: Use a role that may be passed, or add it to the settings roles or services.
deny contains {"message": message} if {
	input.actions["iam:passrole"] == true
	some access in input.accesses
	lower(access.action) == "iam:passrole"
	some message in violations(access)
}

# What a look-up can tell is worth looking up.
deny contains {"message": message, "needs": needs} if {
	input.actions["iam:passrole"] == true
	settings.unnamed != "allow"
	some access in input.accesses
	lower(access.action) == "iam:passrole"
	iam.has_wildcard(access.resource)
	not is_listed(access.resource)
	message := sprintf("the call passes a role that it does not name (%s), and only some may be passed", [access.resource])
	needs := [key | some key in access.unknown; startswith(lower(key), "ecs-mcp-proxy:resource/")]
}

# roles: names with wildcards, the path included ("app/*"), or ARNs. unnamed:
# whether roles may be passed that nobody can name, although roles is narrowed;
# those of an existing task definition are looked up.
default settings := {
	"services": ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"],
	"roles": ["*"],
	"unnamed": "deny",
}

settings := data.ecsmcp.config.personas[input.persona].guardrails.pass_role

violations(access) := ({sprintf("%s would be passed to a service that cannot be told", [about(access)]) |
	count(services(access)) == 0
} | {sprintf("%s would be passed to %s, and roles may be passed to %s", [about(access), service, listed(settings.services)]) |
	some service in services(access)
	not service in settings.services
}) | {sprintf("%s is not among the roles that may be passed", [about(access)]) |
	not iam.has_wildcard(access.resource)
	not is_listed(access.resource)
}

# What was looked up is for the record: it has the role itself.
about(access) := sprintf("a role of %s", [access.subject]) if {
	access.subject
} else := access.resource

services(access) := {service | some service in iam.environment(access).keys["iam:passedtoservice"].values}

is_listed(_) if "*" in settings.roles

is_listed(arn) if {
	some pattern in settings.roles
	covers(pattern, arn)
}

covers(pattern, arn) if {
	startswith(pattern, "arn:")
	not iam.has_wildcard(arn)
	iam.arn_matches(pattern, arn)
}

covers(pattern, arn) if {
	startswith(pattern, "arn:")
	iam.arn_covers(pattern, arn)
}

covers(pattern, arn) if {
	not startswith(pattern, "arn:")
	not iam.has_wildcard(arn)
	iam.glob_matches(pattern, role_name(arn))
}

# "?" must not stand for the many that a wildcard of the ARN means.
covers(pattern, arn) if {
	not startswith(pattern, "arn:")
	not contains(pattern, "?")
	iam.glob_matches(pattern, role_name(arn))
}

role_name(arn) := substring(arn, indexof(arn, ":role/") + count(":role/"), -1) if contains(arn, ":role/")

listed(names) := "nobody" if {
	count(names) == 0
} else := concat(", ", sort(names))
