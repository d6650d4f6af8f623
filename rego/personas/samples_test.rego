# METADATA
# title: Samples
# description: Judges the samples of every persona's folder, and helps the folders' own tests to ask.
package ecsmcp.samples

import data.ecsmcp.iam

# filled[folder]: the document of rego/personas/FOLDER/policy.json, its
# placeholders filled as that folder's samples.json says.
filled[folder] := {
	"name": persona.name,
	"document": json.unmarshal(strings.replace_n(values, json.marshal(persona.document))),
} if {
	some folder, persona in data.personas
	values := {sprintf("{{%s}}", [key]): value | some key, value in persona.fill}
}

everything := {"name": "everything", "document": {
	"Version": "2012-10-17",
	"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}}

# layers[folder][way]: the layers that a sample is judged under. An identity
# document is judged alone and under the shipped boundary.
layers[folder].alone := {"identity": [document]} if {
	some folder, document in filled
	data.personas[folder].layer == "identity"
}

layers[folder].bounded := {"identity": [document], "boundary": [filled.region_and_production]} if {
	some folder, document in filled
	data.personas[folder].layer == "identity"
}

layers[folder].bounding := {"identity": [everything], "boundary": [document]} if {
	some folder, document in filled
	data.personas[folder].layer == "boundary"
}

layers[folder].mcp := {"mcp": [document]} if {
	some folder, document in filled
	data.personas[folder].layer == "mcp"
}

# cases(folder): each of the folder's samples under each of its ways, with the
# result. The folder's own test asks for them, so that each stays a quick one.
cases(folder) := {name: {"sample": sample, "expect": expect, "result": result} |
	some list in ["allowed", "denied"]
	some sample in data.personas[folder][list]
	some way, documents in layers[folder]
	is_meant(sample, way)
	name := sprintf("%s: %s (%s)", [list, sample.note, way])
	expect := expected(list, sample)
	result := iam.results(documents, [sample])[0]
} if {
	data.personas[folder]
} else := {"there is such a folder": {"expect": "allowed", "result": {"decision": "none"}}}

is_meant(sample, "bounded") if not sample.boundary == false

is_meant(sample, "alone") if not sample.boundary == true

is_meant(_, way) if way in {"bounding", "mcp"}

expected("allowed", _) := "allowed"

expected("denied", sample) := object.get(sample, "expect", "implicitDeny")

# keeps(case): the verdict is the sample's, and so is the statement that decides.
keeps(case) if {
	case.result.decision == case.expect
	every statement in [s | s := case.sample.statement] {
		statement in case.result.statements
	}
}

# Of no cases a test would say that all passed.
test_a_folder_without_samples_does_not_pass if {
	found := cases("nowhere")
	count(found) == 1
	every case in found {
		not keeps(case)
	}
}

test_every_folder_has_samples_of_both_kinds[folder] if {
	some folder, _ in data.personas
	count(data.personas[folder].allowed) >= 10
	count(data.personas[folder].denied) >= 10
}

# Two samples of one note would be one case.
test_notes_are_distinct[folder] if {
	some folder, _ in data.personas
	notes := [sample.note | some list in ["allowed", "denied"]; some sample in data.personas[folder][list]]
	count({note | some note in notes}) == count(notes)
}

test_no_placeholder_is_left[folder] if {
	some folder, document in filled
	not contains(json.marshal(document), "{{")
}

test_a_sample_has_no_member_that_nobody_reads[member] if {
	some folder, _ in data.personas
	some list in ["allowed", "denied"]
	some member, _ in data.personas[folder][list][_]
	member in {"note", "action", "resource", "context", "unknown", "unscopable", "boundary", "expect", "statement"}
}

# bounded(folder, access): the result under that document and the shipped boundary.
bounded(folder, access) := iam.results(layers[folder].bounded, [access])[0]

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
