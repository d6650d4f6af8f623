package ecsmcp.guardrails.execute_command

import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: No shell in a container
# description: |
#   ecs:ExecuteCommand runs any command with the task's role, and its session
#   outlives the credentials that were lent for the call. The setting enabling
#   says whether calls may switch it on for services and tasks.
# custom:
#   remedy: Use the task's logs, or let a person open the session.
deny contains {"message": sprintf("%s would run a command in a running container", [access.action])} if {
	input.actions["ecs:executecommand"] == true
	some access in input.accesses
	lower(access.action) == "ecs:executecommand"
}

deny contains {"message": sprintf("%s would make containers open to commands", [arguments.place(m.path)])} if {
	input.call.write == true
	settings.enabling != "allow"
	some m in arguments.named({"enableexecutecommand"})
	arguments.is_on(m.value)
}

default settings := {"enabling": "allow"}

settings := data.ecsmcp.config.personas[input.persona].guardrails.execute_command
