package ecsmcp.guardrails.scale_limit

import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: No runaway scaling
# description: |
#   A service is not scaled, and tasks are not started, beyond a number. It is off
#   by default, because the number is each site's own.
# custom:
#   default: off
#   remedy: Ask for fewer tasks, or raise the setting tasks.
deny contains {"message": sprintf("%s asks for %s tasks, and one call may ask for %v", [arguments.place(m.path), arguments.shown(m.value), settings.tasks])} if {
	input.call.write == true
	some m in arguments.named({"desiredcount", "count", "mintaskcount", "maxtaskcount", "mincapacity", "maxcapacity"})
	not arguments.is_at_most(m.value, settings.tasks)
}

deny contains {"message": message} if {
	input.call.write == true
	some action in {"ecs:createservice", "ecs:updateservice", "ecs:runtask", "ecs:createexpressgatewayservice", "ecs:updateexpressgatewayservice"}
	input.actions[action] == true
	some message in arguments.unreadable
}

default settings := {"tasks": 100}

settings := data.ecsmcp.config.personas[input.persona].guardrails.scale_limit
