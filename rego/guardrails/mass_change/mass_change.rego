package ecsmcp.guardrails.mass_change

# METADATA
# scope: document
# title: Few resources at once
# description: |
#   One call changes few resources, so that one mistake is a small one. Roles that
#   are passed are not counted. It is off by default.
# custom:
#   default: off
#   remedy: Name fewer resources in one call.
deny contains {"message": sprintf("%s would change %d resources, and one call may change %v", [action, count(resources), settings.resources])} if {
	input.call.write == true
	some action, _ in input.actions
	action != "iam:passrole"
	resources := {object.get(access, "subject", access.resource) | some access in input.accesses; lower(access.action) == action}
	count(resources) > settings.resources
}

default settings := {"resources": 5}

settings := data.ecsmcp.config.personas[input.persona].guardrails.mass_change
