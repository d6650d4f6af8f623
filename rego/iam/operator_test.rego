package ecsmcp.iam_test

import data.ecsmcp.iam

test_operator_is_met[note] if {
	some note, tc in {
		"StringEquals": ["equal", "a", "a"],
		"StringEqualsIgnoreCase": ["equal_folded", "PROD", "prod"],
		"StringLike": ["like", "production", "prod*"],
		"ArnLike per segment": ["arn", "arn:aws:ecs:r:1:cluster/a", "arn:aws:ecs:*:1:cluster/*"],
		"Bool whatever the case": ["equal_folded", "True", "true"],
		"IpAddress in a block": ["address", "10.1.2.3", "10.0.0.0/8"],
		"IpAddress in the whole of IPv4": ["address", "203.0.113.9", "0.0.0.0/0"],
		"IpAddress alone": ["address", "10.1.2.3", "10.1.2.3"],
		"IpAddress of version 6": ["address", "2001:db8::1", "2001:db8::/32"],
		"IpAddress of version 6 alone": ["address", "2001:db8::1", "2001:db8:0::1"],
		"NumericEquals as numbers": ["number_eq", "1.0", "1"],
		"NumericLessThan as numbers": ["number_lt", "9", "10"],
		"NumericLessThanEquals": ["number_lte", "10", "10.0"],
		"NumericGreaterThan of a negative": ["number_gt", "-1", "-1.5"],
		"NumericGreaterThanEquals": ["number_gte", "10", "10"],
		"DateEquals in two spellings": ["date_eq", "2026-01-01T00:00:00Z", "1767225600"],
		"DateLessThan across time zones": ["date_lt", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00Z"],
		"DateLessThanEquals": ["date_lte", "1767225600", "2026-01-01"],
		"DateGreaterThanEquals": ["date_gte", "2026-01-01T00:00:00.5Z", "2026-01-01"],
		"DateGreaterThan with a day": ["date_gt", "2026-01-02T00:00:01Z", "2026-01-02"],
	}
	iam.meets(tc[0], tc[1], tc[2])
}

test_operator_is_not_met[note] if {
	some note, tc in {
		"StringEquals minds the case": ["equal", "Prod", "prod"],
		"StringEquals has no wildcards": ["equal", "production", "prod*"],
		"StringLike minds the case": ["like", "Production", "production"],
		"IpAddress outside": ["address", "11.1.2.3", "10.0.0.0/8"],
		"IpAddress of the other family": ["address", "2001:db8::1", "0.0.0.0/0"],
		"IpAddress of what is no address": ["address", "localhost", "10.0.0.0/8"],
		"IpAddress in what is no block": ["address", "10.1.2.3", "10.0.0.0/99"],
		"NumericEquals of what is no number": ["number_eq", "12abc", "12"],
		"NumericLessThan is no comparison of texts": ["number_lt", "10", "9"],
		"DateLessThan of what is no date": ["date_lt", "yesterday", "2026-01-01"],
	}
	not iam.meets(tc[0], tc[1], tc[2])
}

test_operator_name_is_read[note] if {
	some note, tc in {
		"StringLike": {"test": "like", "negated": false, "set": "", "if_exists": false},
		"stringnotlikeifexists": {"test": "like", "negated": true, "set": "", "if_exists": true},
		"ForAnyValue:StringEquals": {"test": "equal", "negated": false, "set": "foranyvalue:", "if_exists": false},
		"ForAllValues:ArnNotEqualsIfExists": {"test": "arn", "negated": true, "set": "forallvalues:", "if_exists": true},
	}
	iam.operator(note) == tc
}

test_operator_that_iam_lacks_is_undefined[note] if {
	some note, name in {"typo": "StringEqual", "other set": "ForSomeValue:StringEquals", "empty": ""}
	not iam.operator(name)
}
