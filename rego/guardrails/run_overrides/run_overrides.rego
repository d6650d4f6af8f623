package ecsmcp.guardrails.run_overrides

import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: Tasks run as they were registered
# description: |
#   Another command, role or environment at run time turns a task that was
#   reviewed into one that was not: it runs anything, with the task's secrets and
#   the task's role. The setting refuse lists what may not be overridden; there
#   are command, role, environment and resources.
# custom:
#   remedy: Register a task definition for it, or run the task without the override.
deny contains {"message": message} if {
	input.actions["ecs:runtask"] == true
	some message in violations
}

deny contains {"message": message} if {
	input.actions["ecs:starttask"] == true
	some message in violations
}

default settings := {"refuse": ["command", "role", "environment"]}

settings := data.ecsmcp.config.personas[input.persona].guardrails.run_overrides

kinds := {
	"command": {"command", "entrypoint"},
	"role": {"taskrolearn", "executionrolearn", "taskrole", "executionrole"},
	"environment": {"environment", "environmentvariables", "env", "environmentfiles"},
	"resources": {"cpu", "memory", "memoryreservation", "ephemeralstorage", "resourcerequirements", "inferenceacceleratoroverrides"},
}

violations contains sprintf("%s overrides the %s of the task definition", [arguments.place(m.path), kind]) if {
	some kind in settings.refuse
	some m in arguments.named(kinds[kind])
	arguments.is_something(m.value)
}

# A misspelled setting must not switch the guardrail off.
violations contains sprintf("the setting refuse lists %q; there are command, environment, resources and role", [kind]) if {
	some kind in settings.refuse
	not kinds[kind]
}

violations contains message if some message in arguments.unreadable
