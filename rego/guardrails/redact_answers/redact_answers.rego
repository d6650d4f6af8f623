package ecsmcp.guardrails.redact_answers

# METADATA
# scope: document
# title: No secrets in answers
# description: |
#   The values of environment variables, the references to secrets and to a
#   registry's password, and the token of a shell are kept from the client, in
#   the answer of every action of ECS that holds them: what AWS marks as
#   sensitive, and secrets. The call itself goes ahead.
# custom:
#   remedy: Let a person read it outside the proxy, or change the setting members.
obligation contains {"kind": "redact", "members": settings.members} if {
	some action in {
		"ecs:createexpressgatewayservice", "ecs:deleteexpressgatewayservice",
		"ecs:describeexpressgatewayservice", "ecs:updateexpressgatewayservice",
		"ecs:registertaskdefinition", "ecs:deregistertaskdefinition",
		"ecs:deletetaskdefinitions", "ecs:describetaskdefinition",
		"ecs:describedaemontaskdefinition",
		"ecs:runtask", "ecs:starttask", "ecs:stoptask", "ecs:describetasks",
		"ecs:executecommand",
	}
	input.actions[action] == true
	settings.members != []
}

# members: names of JSON members, or OUTER.INNER for those of the objects in a list.
default settings := {"members": ["environment.value", "repositoryCredentials", "secrets.valueFrom", "tokenValue"]}

settings := data.ecsmcp.config.personas[input.persona].guardrails.redact_answers
