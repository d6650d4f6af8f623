package ecsmcp.iam_test

import data.ecsmcp.iam

condition_environment := iam.environment({
	"action": "ecs:TagResource",
	"resource": "*",
	"context": {
		"aws:RequestedRegion": "us-east-1",
		"aws:ResourceTag/Environment": "production",
		"aws:TagKeys": ["Team", "Cost"],
		"ecs:capacity-provider": [],
	},
	"unknown": ["aws:SourceIp"],
})

state(operator, key, values) := iam.pair(operator, key, iam.as_list(values), "2012-10-17", condition_environment).state

test_condition_holds[note] if {
	some note, tc in {
		"one of many values": ["StringEquals", "aws:RequestedRegion", ["eu-west-1", "us-east-1"]],
		"a key in another case": ["StringEquals", "AWS:RequestedRegion", "us-east-1"],
		"a tag key in another case": ["StringLike", "aws:ResourceTag/environment", "prod*"],
		"negated: none of the values": ["StringNotEquals", "aws:RequestedRegion", ["eu-west-1", "eu-west-2"]],
		"negated: the key is absent": ["StringNotEquals", "aws:ResourceTag/Owner", "x"],
		"ArnNotLike: the key is absent": ["ArnNotLike", "ecs:cluster", "arn:*"],
		"IfExists: the key is absent": ["StringEqualsIfExists", "aws:ResourceTag/Owner", "x"],
		"IfExists: the key is there": ["StringEqualsIfExists", "aws:RequestedRegion", "us-east-1"],
		"Null true: absent": ["Null", "aws:ResourceTag/Owner", "true"],
		"Null false: present": ["Null", "aws:RequestedRegion", false],
		"Null of either": ["Null", "aws:RequestedRegion", ["true", "false"]],
		"Null true: an empty set": ["Null", "ecs:capacity-provider", "true"],
		"ForAllValues: every value matches one": ["ForAllValues:StringEquals", "aws:TagKeys", ["Cost", "Team", "More"]],
		"ForAllValues: the key is absent": ["ForAllValues:StringEquals", "ecs:subnet", "x"],
		"ForAllValues: an empty set": ["ForAllValues:StringEquals", "ecs:capacity-provider", "x"],
		"ForAllValues negated: no value matches any": ["ForAllValues:StringNotEquals", "aws:TagKeys", ["Owner"]],
		"ForAllValues: a single value is a set of one": ["ForAllValues:StringEquals", "aws:RequestedRegion", "us-east-1"],
		"ForAnyValue: one value matches": ["ForAnyValue:StringLike", "aws:TagKeys", "Te*"],
		"ForAnyValue negated: one value matches none": ["ForAnyValue:StringNotEquals", "aws:TagKeys", ["Team"]],
	}
	state(tc[0], tc[1], tc[2]) == "true"
}

test_condition_fails[note] if {
	some note, tc in {
		"no value matches": ["StringEquals", "aws:RequestedRegion", ["eu-west-1"]],
		"the key is absent": ["StringEquals", "aws:ResourceTag/Owner", "x"],
		"negated: one of the values matches": ["StringNotEquals", "aws:RequestedRegion", ["eu-west-1", "us-east-1"]],
		"Null true: present": ["Null", "aws:RequestedRegion", true],
		"Null false: absent": ["Null", "aws:ResourceTag/Owner", "false"],
		"a set without a set operator": ["StringEquals", "aws:TagKeys", ["Team"]],
		"a set without a set operator, negated": ["StringNotEquals", "aws:TagKeys", ["Owner"]],
		"ForAllValues: one value matches none": ["ForAllValues:StringEquals", "aws:TagKeys", ["Team"]],
		"ForAllValues negated: one value matches": ["ForAllValues:StringNotEquals", "aws:TagKeys", ["Team", "Owner"]],
		"ForAnyValue: the key is absent": ["ForAnyValue:StringEquals", "ecs:subnet", "x"],
		"ForAnyValue: IfExists does not help": ["ForAnyValue:StringEqualsIfExists", "ecs:subnet", "x"],
		"ForAnyValue: an empty set": ["ForAnyValue:StringEquals", "ecs:capacity-provider", "x"],
		"ForAnyValue negated: every value matches": ["ForAnyValue:StringNotEquals", "aws:TagKeys", ["Team", "Cost"]],
		"a variable without a value": ["StringEquals", "aws:RequestedRegion", "${aws:PrincipalTag/region}"],
	}
	state(tc[0], tc[1], tc[2]) == "false"
}

test_condition_is_unknown[note] if {
	some note, tc in {
		"a key nobody could fill": ["IpAddress", "aws:SourceIp", "10.0.0.0/8"],
		"negated": ["NotIpAddress", "aws:SourceIp", "10.0.0.0/8"],
		"IfExists": ["IpAddressIfExists", "aws:SourceIp", "10.0.0.0/8"],
		"Null": ["Null", "aws:SourceIp", "true"],
		"ForAllValues": ["ForAllValues:StringEquals", "aws:SourceIp", "x"],
		"a variable of such a key": ["StringEquals", "aws:RequestedRegion", "${aws:SourceIp}"],
		"negated, with a variable without a value": ["StringNotEquals", "aws:RequestedRegion", "${aws:PrincipalTag/region}"],
		"an operator that IAM does not have": ["StringAlmost", "aws:RequestedRegion", "x"],
		"Null with IfExists": ["NullIfExists", "aws:RequestedRegion", "true"],
	}
	state(tc[0], tc[1], tc[2]) == "unknown"
}

test_condition_without_a_variables_value_still_compares_the_others if {
	state("StringEquals", "aws:RequestedRegion", ["${aws:PrincipalTag/region}", "us-east-1"]) == "true"
}
