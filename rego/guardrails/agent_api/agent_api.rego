package ecsmcp.guardrails.agent_api

# METADATA
# scope: document
# title: What only the container agent does
# description: |
#   Some operations exist for the agent on a container instance. A caller who
#   sends them can report states that are not so, or join a machine to the
#   cluster and be given tasks with their roles.
# custom:
#   remedy: Leave it to the Amazon ECS container agent.
deny contains {"message": sprintf("%s is for the container agent", [access.action])} if {
	input.call.write == true
	some action in {
		"ecs:discoverpollendpoint",
		"ecs:poll",
		"ecs:registercontainerinstance",
		"ecs:starttelemetrysession",
		"ecs:submitattachmentstatechanges",
		"ecs:submitcontainerstatechange",
		"ecs:submittaskstatechange",
	}
	input.actions[action] == true
	not action in {lower(open) | some open in settings.allow}
	some access in input.accesses
	lower(access.action) == action
}

# allow: those that this persona may send all the same.
default settings := {"allow": []}

settings := data.ecsmcp.config.personas[input.persona].guardrails.agent_api
