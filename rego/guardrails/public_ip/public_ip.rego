package ecsmcp.guardrails.public_ip

import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: No public address
# description: |
#   Tasks get no public IP address. It is off by default, because tasks in subnets
#   without a NAT gateway need one to pull their image.
# custom:
#   default: off
#   remedy: Leave assignPublicIp out, and use private subnets with a way to the registry.
deny contains {"message": sprintf("%s gives tasks a public address", [arguments.place(m.path)])} if {
	input.call.write == true
	some m in arguments.named({"assignpublicip", "autoassignpublicip", "publicip"})
	arguments.is_on(m.value)
}

deny contains {"message": message} if {
	input.call.write == true
	some action in {"ecs:createservice", "ecs:updateservice", "ecs:createtaskset", "ecs:runtask", "ecs:starttask"}
	input.actions[action] == true
	some message in arguments.unreadable
}
