package ecsmcp.guardrails.host_network

import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: No host network
# description: |
#   A task on its host's network sees the traffic of other tasks there and reaches
#   the instance's own credentials.
# custom:
#   remedy: Use the network mode awsvpc.
deny contains {"message": message} if {
	input.actions["ecs:registertaskdefinition"] == true
	some message in violations
}

deny contains {"message": message} if {
	input.actions["ecs:registerdaemontaskdefinition"] == true
	some message in violations
}

default settings := {"modes": ["host"]}

settings := data.ecsmcp.config.personas[input.persona].guardrails.host_network

refused := {lower(mode) | some mode in settings.modes}

violations contains sprintf("%s is %s", [arguments.place(m.path), arguments.shown(m.value)]) if {
	some m in arguments.named({"networkmode"})
	is_string(m.value)
	lower(trim_space(m.value)) in refused
}

violations contains sprintf("%s must be a string", [arguments.place(m.path)]) if {
	some m in arguments.named({"networkmode"})
	not is_string(m.value)
}

violations contains message if some message in arguments.unreadable_task
