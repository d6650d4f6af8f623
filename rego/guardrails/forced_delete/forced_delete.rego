package ecsmcp.guardrails.forced_delete

import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: Nothing is deleted while it runs
# description: |
#   With force, a service, a task set or a container instance is deleted although
#   tasks run. Without it AWS asks to scale down first. It is off by default.
# custom:
#   default: off
#   remedy: Scale down first, then delete without force.
deny contains {"message": sprintf("%s deletes what is in use", [arguments.place(m.path)])} if {
	input.call.write == true
	some m in arguments.named({"force", "forcedelete"})
	arguments.is_on(m.value)
}
