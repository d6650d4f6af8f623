package ecsmcp.guardrails.leaves_credentials

# METADATA
# scope: document
# title: No credentials beyond the grant
# description: |
#   A tool that takes credentials of its own, such as those of a role that it
#   assumes itself, and leaves some of them behind, such as a registry token in
#   a file, is bounded by no grant: neither by its session policy nor by its end.
#   It is for those personas only whose settings name it.
# custom:
#   remedy: Let a person or a pipeline do this, or name the tool in the setting tools.
deny contains {"message": sprintf("%s would take credentials beyond its grant and leave them behind", [tool])} if {
	input.call.write == true
	input.call.leaves_credentials == true
	tool := object.get(input.call, "tool", "the call")
	not tool in settings.tools
}

# tools: those that may.
default settings := {"tools": []}

settings := data.ecsmcp.config.personas[input.persona].guardrails.leaves_credentials
