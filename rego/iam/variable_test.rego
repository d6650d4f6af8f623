package ecsmcp.iam_test

import data.ecsmcp.iam

variable_environment := iam.environment({
	"action": "ecs:DescribeServices",
	"resource": "*",
	"context": {
		"aws:PrincipalTag/team": "red",
		"aws:PrincipalTag/star": "*",
		"aws:PrincipalTag/odd": "\ue000",
		"aws:TagKeys": ["a", "b"],
	},
	"unknown": ["aws:SourceIp", "aws:ResourceTag/*"],
})

expanded(text) := iam.expand(text, "2012-10-17", variable_environment)

test_variable_is_replaced[note] if {
	some note, tc in {
		"by its value": ["x-${aws:PrincipalTag/team}-y", "x-red-y"],
		"whatever the case of the key": ["${aws:principaltag/TEAM}", "red"],
		"more than once": ["${aws:PrincipalTag/team}${aws:PrincipalTag/team}", "redred"],
		"by its default when absent": ["${aws:PrincipalTag/none, 'blue'}", "blue"],
		"not by its default when present": ["${aws:PrincipalTag/team, 'blue'}", "red"],
		"an escaped star": ["a${*}", concat("", ["a", iam.star_mark])],
		"an escaped dollar": ["${$}{x}", "${x}"],
		"a text without variables": ["plain", "plain"],
	}
	expanded(tc[0]) == {"text": tc[1], "unknown": [], "missing": []}
}

test_variable_value_is_no_wildcard if {
	pattern := expanded("team-${aws:PrincipalTag/star}").text
	iam.glob_matches(pattern, "team-*")
	not iam.glob_matches(pattern, "team-red")
}

test_variable_without_value_is_missing[note] if {
	some note, tc in {
		"absent": "${aws:PrincipalTag/none}",
		"multi-valued": "${aws:TagKeys}",
		"multi-valued with a default": "${aws:TagKeys, 'x'}",
		"a value that could pass for a wildcard": "${aws:PrincipalTag/odd}",
	}
	count(expanded(tc).missing) == 1
}

test_variable_of_an_unknown_key_is_unknown[note] if {
	some note, tc in {
		"exact name": "${aws:sourceip}",
		"prefix": "${aws:ResourceTag/team}",
		"even with a default": "${aws:SourceIp, '10.0.0.1'}",
	}
	count(expanded(tc).unknown) == 1
}

test_variables_need_the_new_version if {
	text := "${aws:PrincipalTag/team}"
	iam.expand(text, "2008-10-17", variable_environment).text == text
}

test_resource_may_hold_a_variable_with_colons if {
	env := iam.environment({"action": "x:y", "resource": "arn:aws:ecs:r:1:cluster/a:b", "context": {"aws:PrincipalTag/name": "a:b"}})
	iam.arn_matches(iam.expand("arn:aws:ecs:r:1:cluster/${aws:PrincipalTag/name}", "2012-10-17", env).text, env.resource)
}
