package ecsmcp.iam_test

import data.ecsmcp.iam

allow_all := {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}

deny_delete := {"Sid": "NoDelete", "Effect": "Deny", "Action": "ecs:DeleteService", "Resource": "*"}

protect := object.union(deny_delete, {"Sid": "Protect", "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "production"}}})

only_staging := object.union(allow_all, {"Sid": "Staging", "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "staging"}}})

named(name, statements) := [{"name": name, "document": {"Version": "2012-10-17", "Statement": statements}}]

delete(context, unknown) := {
	"action": "ecs:DeleteService",
	"resource": "arn:aws:ecs:us-east-1:1:service/shop/web",
	"context": context,
	"unknown": unknown,
}

tagged(value) := delete({"aws:ResourceTag/Environment": value}, [])

untagged := delete({}, [])

unlooked := delete({}, ["aws:ResourceTag/*"])

result(layers, access) := iam.results(layers, [access])[0]

test_one_result_for_each_access_in_order if {
	results := iam.results({"identity": named("id", [allow_all, protect])}, [tagged("production"), tagged("staging"), untagged])
	[r.decision | some r in results] == ["explicitDeny", "allowed", "allowed"]
}

test_allowed_as_a_whole[note] if {
	some note, tc in {
		"one access": [true, [tagged("staging")]],
		"an optional one is refused": [true, [tagged("staging"), object.union(tagged("production"), {"optional": true})]],
		"one of two is refused": [false, [tagged("staging"), tagged("production")]],
		"an optional one alone is refused": [false, [object.union(tagged("production"), {"optional": true})]],
		"none at all": [false, []],
	}
	answer := iam.evaluate({"identity": named("id", [allow_all, protect])}, tc[1])
	answer.allow == tc[0]
	count(answer.accesses) == count(tc[1])
}

test_what_is_no_word_of_iam_allows_nothing[word] if {
	some word in ["Allowed", "allow", "", true]
	not iam.allows([tagged("staging")], [{"decision": word}])
}

test_no_accesses_no_results if iam.results({"identity": named("id", [allow_all])}, []) == []

test_nothing_allows if {
	some layers in [{}, {"identity": []}, {"identity": named("id", [deny_delete])}, {"identity": named("id", [])}]
	result(layers, untagged).decision != "allowed"
}

test_allowed_names_the_statements_of_every_layer if {
	r := result({"identity": named("id", [allow_all]), "boundary": named("b", [allow_all]), "session": named("s", [allow_all])}, untagged)
	r.decision == "allowed"
	r.layer == "identity"
	r.statements == ["id/All", "b/All", "s/All"]
	r.possible
	r.needs == []
}

test_every_layer_must_allow[layer] if {
	some layer in ["identity", "boundary", "session"]
	allowing := {"identity": named("d", [allow_all]), "boundary": named("d", [allow_all]), "session": named("d", [allow_all])}
	r := result(object.union(allowing, {layer: named("d", [object.union(allow_all, {"Action": "ecr:*"})])}), untagged)
	r.decision == "implicitDeny"
	r.layer == layer
	not r.possible
}

test_a_deny_in_any_layer_wins[layer] if {
	some layer in ["identity", "boundary", "session"]
	allowing := {"identity": named("d", [allow_all]), "boundary": named("d", [allow_all]), "session": named("d", [allow_all])}
	r := result(object.union(allowing, {layer: named("d", [allow_all, deny_delete])}), untagged)
	r.decision == "explicitDeny"
	r.layer == layer
	r.statements == ["d/NoDelete"]
	not r.possible
}

test_a_boundary_of_denies_allows_nothing if {
	r := result({"identity": named("id", [allow_all]), "boundary": named("b", [protect])}, tagged("staging"))
	r.decision == "implicitDeny"
	r.layer == "boundary"
}

test_an_empty_boundary_limits_nothing if {
	result({"identity": named("id", [allow_all]), "boundary": []}, untagged).decision == "allowed"
}

test_documents_of_a_layer_add_up if {
	layers := {"identity": array.concat(named("a", [object.union(allow_all, {"Action": "ecr:*"})]), named("b", [allow_all]))}
	result(layers, untagged).statements == ["b/All"]
}

test_a_single_statement_needs_no_list if {
	layers := {"identity": [{"name": "id", "document": {"Statement": object.remove(allow_all, ["Sid"])}}]}
	result(layers, untagged).statements == ["id/#0"]
}

test_absent_tag_does_not_make_a_deny_fire if {
	result({"identity": named("id", [allow_all, protect])}, untagged).decision == "allowed"
}

test_unknown_tag_makes_a_deny_fire if {
	r := result({"identity": named("id", [allow_all, protect])}, unlooked)
	r.decision == "explicitDeny"
	r.statements == ["id/Protect"]
	r.unknown == ["aws:ResourceTag/Environment"]
	r.possible
	r.needs == ["aws:ResourceTag/Environment"]
}

test_unknown_tag_keeps_an_allow_from_applying if {
	r := result({"identity": named("id", [only_staging])}, unlooked)
	r.decision == "implicitDeny"
	r.statements == ["id/Staging"]
	r.unknown == ["aws:ResourceTag/Environment"]
	r.possible
	r.needs == ["aws:ResourceTag/Environment"]
}

test_unknown_tag_does_not_matter_to_who_may_not_anyway if {
	r := result({"identity": named("id", [object.union(allow_all, {"Action": "ecr:*"}), protect])}, unlooked)
	r.decision == "explicitDeny"
	not r.possible
	r.needs == []
}

test_unknown_tag_does_not_matter_where_another_condition_fails if {
	elsewhere := object.union(protect, {"Condition": {"StringEquals": {
		"aws:ResourceTag/Environment": "production",
		"aws:RequestedRegion": "eu-west-1",
	}}})
	r := result({"identity": named("id", [allow_all, elsewhere])}, delete({"aws:RequestedRegion": "us-east-1"}, ["aws:ResourceTag/*"]))
	r.decision == "allowed"
}

test_unknown_does_not_matter_where_another_statement_allows if {
	r := result({"identity": named("id", [allow_all, only_staging])}, unlooked)
	r.decision == "allowed"
	r.needs == []
}

test_certain_deny_hides_an_uncertain_one if {
	r := result({"identity": named("id", [allow_all, protect, deny_delete])}, unlooked)
	r.statements == ["id/NoDelete"]
	r.unknown == []
	not r.possible
}

test_known_key_is_known_though_its_prefix_is_unknown if {
	access := delete({"aws:ResourceTag/environment": "staging"}, ["aws:ResourceTag/*"])
	result({"identity": named("id", [allow_all, protect])}, access).decision == "allowed"
}

test_unknown_prefix_and_name_compare_without_case[note] if {
	some note, unknown in {"prefix": ["AWS:resourcetag/*"], "name": ["aws:resourcetag/ENVIRONMENT"], "everything": ["*"]}
	result({"identity": named("id", [allow_all, protect])}, delete({}, unknown)).decision == "explicitDeny"
}

test_one_key_in_two_spellings_is_one_need if {
	again := object.union(protect, {"Sid": "Again", "Condition": {"StringEquals": {"aws:ResourceTag/environment": "production"}}})
	r := result({"identity": named("id", [allow_all, protect, again])}, unlooked)
	r.needs == ["aws:ResourceTag/Environment"]
}

test_near_miss_of_an_allow_is_named if {
	r := result({"identity": named("id", [only_staging])}, tagged("production"))
	r.near == [{"statement": "id/Staging", "key": "aws:ResourceTag/Environment", "operator": "StringEquals"}]
}

test_near_miss_of_a_deny_is_named if {
	r := result({"identity": named("id", [allow_all, protect])}, tagged("staging"))
	r.near == [{"statement": "id/Protect", "key": "aws:ResourceTag/Environment", "operator": "StringEquals"}]
}

test_two_failing_keys_are_no_near_miss if {
	far := object.union(protect, {"Condition": {"StringEquals": {"aws:ResourceTag/Environment": "production", "aws:RequestedRegion": "x"}}})
	result({"identity": named("id", [allow_all, far])}, untagged).near == []
}

test_a_failing_key_beside_an_unknown_one_is_no_near_miss if {
	far := object.union(protect, {"Condition": {"StringEquals": {"aws:ResourceTag/Environment": "production", "aws:RequestedRegion": "x"}}})
	result({"identity": named("id", [allow_all, far])}, unlooked).near == []
}

test_an_allow_that_another_makes_needless_needs_nothing if {
	from_office := object.union(allow_all, {"Sid": "Office", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})
	r := result({"identity": named("id", [allow_all, from_office, protect])}, delete({}, ["aws:SourceIp", "aws:ResourceTag/*"]))
	r.decision == "explicitDeny"
	r.needs == ["aws:ResourceTag/Environment"]
}

test_deny_with_an_operator_that_iam_lacks_fires if {
	broken := object.union(deny_delete, {"Condition": {"StringAlmost": {"aws:RequestedRegion": "x"}}})
	result({"identity": named("id", [allow_all, broken])}, untagged).decision == "explicitDeny"
}

test_mcp_accesses_are_decided_by_mcp_documents_alone if {
	call := {"action": "mcp:CallTool", "resource": "arn:ecs-mcp-proxy:mcp:::server/tool/a", "context": {}}
	result({"identity": named("id", [allow_all])}, call).decision == "implicitDeny"
	r := result({"identity": named("id", [deny_delete]), "boundary": named("b", [deny_delete]), "mcp": named("m", [allow_all])}, call)
	r.decision == "allowed"
	r.layer == "mcp"
}

test_mcp_documents_decide_nothing_of_aws if {
	result({"identity": [], "mcp": named("m", [allow_all])}, untagged).decision == "implicitDeny"
}
