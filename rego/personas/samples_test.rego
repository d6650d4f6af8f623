# METADATA
# title: Samples
# description: What the tests of the personas ask, and the values that fill their placeholders.
package ecsmcp.samples

import data.ecsmcp.iam

values := {
	"{{region}}": "us-east-1",
	"{{account}}": "123456789012",
	"{{partition}}": "aws",
	"{{cluster}}": "shop",
	"{{service}}": "web",
	"{{task_roles}}": "app-*",
	"{{managed_roles}}": "app-*",
}

# document(folder): the document of rego/personas/FOLDER/policy.json, filled.
document(folder) := {
	"name": data.personas[folder].name,
	"document": json.unmarshal(strings.replace_n(values, json.marshal(data.personas[folder].document))),
}

# bounded(folder, access): the result under that document and the shipped boundary.
bounded(folder, access) := iam.results(
	{"identity": [document(folder)], "boundary": [document("region_and_production")]},
	[access],
)[0]

# on(action, resource, context): an access in us-east-1, its context otherwise as given.
on(action, resource, context) := {
	"action": action,
	"resource": resource,
	"context": object.union({"aws:RequestedRegion": "us-east-1"}, context),
}

# unscoped(action): an access of an action without resource-level permission.
unscoped(action) := object.union(on(action, "*", {}), {"unscopable": true})

ecs(resource) := concat("", ["arn:aws:ecs:us-east-1:123456789012:", resource])

role(name) := concat("", ["arn:aws:iam::123456789012:role/", name])

pass(name, service) := on("iam:PassRole", role(name), {"iam:PassedToService": service})
