# Where evaluators of IAM policies often go wrong. docs/policy.md lists these
# tests by their names. Each asks for a whole verdict.
package ecsmcp.iam_test

import data.ecsmcp.iam

# verdict(statements, access): of one identity document.
verdict(statements, access) := verdict_of("2012-10-17", statements, access)

verdict_of(version, statements, access) := iam.results(
	{"identity": [{"name": "d", "document": {"Version": version, "Statement": statements}}]},
	[object.union({"action": "ecs:DeleteService", "resource": corner_service}, access)],
)[0].decision

corner_service := "arn:aws:ecs:us-east-1:123456789012:service/shop/web"

allow(more) := object.union({"Effect": "Allow", "Action": "*", "Resource": "*"}, more)

deny(more) := [allow({}), object.union({"Effect": "Deny", "Action": "*", "Resource": "*"}, more)]

# lacking(statement, element): for statements with NotAction or NotResource.
lacking(statement, element) := object.remove(statement, [element])

on_condition(condition) := allow({"Condition": condition})

context(pairs) := {"context": pairs}

test_corner_unquoted_values_are_their_text if {
	verdict(on_condition({"StringEquals": {"x:a": true, "x:b": 7}}), context({"x:a": "true", "x:b": "7"})) == "allowed"
	verdict(on_condition({"Bool": {"x:a": false}}), context({"x:a": "False"})) == "allowed"
}

test_corner_all_operators_and_all_keys_must_hold if {
	both := on_condition({"StringEquals": {"x:a": "1", "x:b": "2"}, "Bool": {"x:c": "true"}})
	verdict(both, context({"x:a": "1", "x:b": "2", "x:c": "true"})) == "allowed"
	verdict(both, context({"x:a": "1", "x:b": "3", "x:c": "true"})) == "implicitDeny"
	verdict(both, context({"x:a": "1", "x:b": "2"})) == "implicitDeny"
}

test_corner_negated_values_are_neither_nor if {
	neither := deny({"Condition": {"StringNotEquals": {"x:a": ["1", "2"]}}})
	verdict(neither, context({"x:a": "2"})) == "allowed"
	verdict(neither, context({"x:a": "3"})) == "explicitDeny"
}

test_corner_absent_key_makes_a_negated_deny_fire if {
	verdict(deny({"Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}}), context({})) == "explicitDeny"
}

test_corner_one_sid_in_two_documents_is_two_statements if {
	one := {"name": "a", "document": {"Statement": allow({"Sid": "S"})}}
	r := iam.results({"identity": [one, object.union(one, {"name": "b"})]}, [{"action": "ecs:ListClusters", "resource": "*"}])[0]
	r.statements == ["a/S", "b/S"]
}

# Source: IAM user guide, "IAM JSON policy elements: Version".
test_corner_old_version_has_no_variables[version] if {
	some version in ["2008-10-17", ""]
	resource := allow({"Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/${aws:PrincipalTag/team}"})
	tagged_web := context({"aws:PrincipalTag/team": "web"})
	verdict_of("2012-10-17", resource, tagged_web) == "allowed"
	verdict_of(version, resource, tagged_web) == "implicitDeny"
	literal := on_condition({"StringEquals": {"x:a": "${aws:PrincipalTag/team}"}})
	verdict_of(version, literal, context({"x:a": "${aws:PrincipalTag/team}", "aws:PrincipalTag/team": "web"})) == "allowed"
}

test_corner_no_version_is_the_old_one if {
	document := {"Statement": allow({"Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/${aws:PrincipalTag/team}"})}
	access := {"action": "ecs:DeleteService", "resource": corner_service, "context": {"aws:PrincipalTag/team": "web"}}
	iam.results({"identity": [{"name": "d", "document": document}]}, [access])[0].decision == "implicitDeny"
}

test_corner_actions_compare_without_case_resources_with if {
	verdict(allow({"Action": "ECS:DELETESERVICE"}), {}) == "allowed"
	verdict(allow({"Action": "ecs:?e*Service*"}), {}) == "allowed"
	verdict(allow({"Resource": upper(corner_service)}), {}) == "implicitDeny"
	verdict(allow({"Resource": "arn:aws:ecs:US-EAST-1:123456789012:service/shop/web"}), {}) == "implicitDeny"
	verdict(allow({"Resource": "arn:AWS:ecs:us-east-1:123456789012:service/shop/web"}), {}) == "implicitDeny"
}

test_corner_not_action_allows_everything_else[action] if {
	some action in ["iam:CreateUser", "sts:AssumeRole", "ecs:DeleteCluster"]
	verdict(lacking(allow({"NotAction": ["ecs:DeleteService", "ecr:*"]}), "Action"), {"action": action}) == "allowed"
}

test_corner_not_action_denies_everything_else if {
	region_lock := [allow({}), lacking(allow({"Effect": "Deny", "NotAction": ["iam:*", "sts:*"]}), "Action")]
	verdict(region_lock, {}) == "explicitDeny"
	verdict(region_lock, {"action": "IAM:GetRole", "resource": "arn:aws:iam::123456789012:role/a"}) == "allowed"
}

test_corner_not_resource_is_everything_else if {
	lock := [allow({}), lacking(allow({"Effect": "Deny", "NotResource": ["arn:aws:ecs:us-east-1:*:service/shop/*", "arn:aws:ecs:us-east-1:*:task/*"]}), "Resource")]
	verdict(lock, {}) == "allowed"
	verdict(lock, {"resource": "arn:aws:ecs:us-east-1:123456789012:service/other/web"}) == "explicitDeny"
	verdict(lock, {"resource": "*", "unscopable": true}) == "explicitDeny"
}

# Source: IAM user guide, "Variables and tags", Policy variables with no value.
test_corner_not_resource_of_no_value_spares_nothing if {
	spared := "arn:aws:ecs:us-east-1:123456789012:service/shop/${aws:PrincipalTag/team}"
	verdict([allow({}), lacking(allow({"Effect": "Deny", "NotResource": spared}), "Resource")], {}) == "explicitDeny"
	verdict([allow({}), lacking(allow({"Effect": "Deny", "NotResource": spared}), "Resource")], context({"aws:PrincipalTag/team": "web"})) == "allowed"
}

test_corner_a_resource_pattern_keeps_to_its_segments if {
	verdict(allow({"Resource": "arn:aws:ecs:*:service/shop/web"}), {}) == "implicitDeny"
	verdict(allow({"Resource": "arn:aws:ecs:*:*:service/shop/web"}), {}) == "allowed"
	verdict(allow({"Resource": "arn:aws:ecs:*"}), {}) == "allowed"
	verdict(allow({"Resource": "arn:aws:e*"}), {}) == "allowed"
}

test_corner_a_star_crosses_slashes_and_colons_of_the_resource if {
	verdict(allow({"Resource": "arn:aws:ecs:*:*:service/*b"}), {}) == "allowed"
	logs := {"action": "logs:GetLogEvents", "resource": "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:log-stream:a/b"}
	verdict(allow({"Resource": "arn:aws:logs:*:*:log-group:/ecs/*"}), logs) == "allowed"
}

test_corner_an_action_without_resources_is_granted_by_a_star_alone[resource] if {
	some resource, want in {"*": "allowed", "arn:aws:ecs:*": "implicitDeny", "arn:*": "implicitDeny", "arn:aws:ecs:*:*:*": "implicitDeny"}
	verdict(allow({"Resource": resource}), {"action": "ecs:ListClusters", "resource": "*", "unscopable": true}) == want
}

# Services of accounts that never took long ARNs have no cluster in theirs.
test_corner_a_short_service_arn_is_in_no_cluster if {
	short := {"resource": "arn:aws:ecs:us-east-1:123456789012:service/web"}
	verdict(allow({"Resource": "arn:aws:ecs:*:*:service/shop/*"}), short) == "implicitDeny"
	verdict(allow({"Resource": "arn:aws:ecs:*:*:service/*"}), short) == "allowed"
}

test_corner_key_names_compare_without_case_the_tag_key_too if {
	verdict(on_condition({"StringEquals": {"AWS:resourcetag/ENVIRONMENT": "prod"}}), context({"aws:ResourceTag/Environment": "prod"})) == "allowed"
	verdict(on_condition({"StringEquals": {"aws:ResourceTag/Environment": "prod"}}), context({"aws:ResourceTag/Environment": "Prod"})) == "implicitDeny"
}

test_corner_equals_has_no_wildcards if {
	verdict(on_condition({"StringEquals": {"x:a": "prod*"}}), context({"x:a": "production"})) == "implicitDeny"
	verdict(on_condition({"StringEquals": {"x:a": "prod*"}}), context({"x:a": "prod*"})) == "allowed"
	verdict(on_condition({"StringEquals": {"ecs:cluster": "arn:aws:ecs:*"}}), context({"ecs:cluster": "arn:aws:ecs:r:1:cluster/a"})) == "implicitDeny"
	verdict(on_condition({"ArnEquals": {"ecs:cluster": "arn:aws:ecs:*"}}), context({"ecs:cluster": "arn:aws:ecs:r:1:cluster/a"})) == "allowed"
}

# Source: IAM user guide, "Variables and tags", Special characters.
test_corner_escaped_wildcards_are_literal[operator] if {
	some operator in ["StringEquals", "StringLike"]
	escaped := on_condition({operator: {"x:a": "${*}${?}${$}"}})
	verdict(escaped, context({"x:a": "*?$"})) == "allowed"
	verdict(escaped, context({"x:a": "abc"})) == "implicitDeny"
}

test_corner_what_a_variable_holds_is_literal[note] if {
	some note, statement in {
		"in a condition": on_condition({"StringLike": {"x:a": "${aws:PrincipalTag/team}"}}),
		"in an ARN condition": on_condition({"ArnLike": {"x:arn": "arn:aws:ecs:r:1:cluster/${aws:PrincipalTag/team}"}}),
		"in a resource": allow({"Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/${aws:PrincipalTag/team}"}),
		"as a variable again": allow({"Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/${aws:PrincipalTag/nested}"}),
	}
	verdict(statement, context({
		"aws:PrincipalTag/team": "*",
		"aws:PrincipalTag/nested": "${aws:PrincipalTag/web}",
		"aws:PrincipalTag/web": "web",
		"x:a": "web",
		"x:arn": "arn:aws:ecs:r:1:cluster/web",
	})) == "implicitDeny"
}

test_corner_a_variable_with_colons_shifts_no_segment if {
	pattern := allow({"Resource": "arn:aws:ecs:us-east-1:${aws:PrincipalTag/account}"})
	verdict(pattern, context({"aws:PrincipalTag/account": "123456789012:service/shop/web"})) == "implicitDeny"
}

# Source: IAM user guide, "Variables and tags", Specifying default values.
test_corner_default_stands_in_for_an_absent_key if {
	pattern := allow({"Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/${aws:PrincipalTag/team, 'web'}"})
	verdict(pattern, context({})) == "allowed"
	verdict(pattern, context({"aws:PrincipalTag/team": "api"})) == "implicitDeny"
	verdict(pattern, {"unknown": ["aws:PrincipalTag/*"]}) == "implicitDeny"
	verdict(allow({"Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/${aws:PrincipalTag/team, '*'}"}), context({})) == "implicitDeny"
}

test_corner_a_key_with_many_values_stands_in_no_text if {
	verdict(on_condition({"StringEquals": {"x:a": "${aws:TagKeys}"}}), context({"x:a": "Team", "aws:TagKeys": ["Team"]})) == "implicitDeny"
}

test_corner_an_empty_value_is_a_value if {
	verdict(on_condition({"StringEquals": {"x:a": ""}}), context({"x:a": ""})) == "allowed"
	verdict(on_condition({"Null": {"x:a": "true"}}), context({"x:a": ""})) == "implicitDeny"
	verdict(allow({"Resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web${aws:PrincipalTag/none}"}), context({"aws:PrincipalTag/none": ""})) == "allowed"
}

# AWS lets a negated operator match a variable without a value; here it is doubt.
test_corner_negated_variable_without_a_value_is_doubt if {
	condition := {"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
	verdict(deny({"Condition": condition}), context({"aws:ResourceTag/team": "web"})) == "explicitDeny"
	verdict(on_condition(condition), context({"aws:ResourceTag/team": "web"})) == "implicitDeny"
}

test_corner_for_all_values_allows_what_has_none if {
	statement := on_condition({"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}})
	verdict(statement, context({})) == "allowed"
	verdict(statement, context({"aws:TagKeys": []})) == "allowed"
	safe := on_condition({"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}, "Null": {"aws:TagKeys": "false"}})
	verdict(safe, context({})) == "implicitDeny"
	verdict(safe, context({"aws:TagKeys": ["Team"]})) == "allowed"
}

test_corner_a_set_without_a_set_operator_matches_nothing if {
	verdict(on_condition({"StringEquals": {"aws:TagKeys": "Team"}}), context({"aws:TagKeys": ["Team"]})) == "implicitDeny"
	verdict(deny({"Condition": {"StringNotEquals": {"aws:TagKeys": "Team"}}}), context({"aws:TagKeys": ["Owner"]})) == "allowed"
}

# ecs:enable-execute-command is a String: Bool compares it all the same.
test_corner_a_string_key_under_bool if {
	verdict(on_condition({"Bool": {"ecs:enable-execute-command": "true"}}), context({"ecs:enable-execute-command": "true"})) == "allowed"
	verdict(on_condition({"StringEquals": {"ecs:enable-execute-command": "true"}}), context({"ecs:enable-execute-command": "True"})) == "implicitDeny"
}

test_corner_an_operator_that_is_none_loses_no_deny if {
	verdict(deny({"Condition": {"StringAlmost": {"x:a": "1"}}}), context({"x:a": "2"})) == "explicitDeny"
	verdict(on_condition({"StringAlmost": {"x:a": "1"}}), context({"x:a": "1"})) == "implicitDeny"
}

test_corner_a_call_of_many_accesses_needs_them_all if {
	layers := {"identity": [{"name": "d", "document": {"Statement": allow({"Action": "ecs:*"})}}]}
	create := {"action": "ecs:CreateService", "resource": corner_service}
	pass := {"action": "iam:PassRole", "resource": "arn:aws:iam::123456789012:role/app"}
	iam.evaluate(layers, [create]).allow
	not iam.evaluate(layers, [create, pass]).allow
}
