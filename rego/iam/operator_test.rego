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
		"NumericEquals with zeros in front": ["number_eq", "007", "7"],
		"NumericEquals of two zeros": ["number_eq", "-0", "0"],
		"NumericGreaterThan beyond what a float tells apart": ["number_gt", "9007199254740993", "9007199254740992"],
		"NumericGreaterThan of decimals": ["number_gt", "0.30", "0.299"],
		"NumericLessThan of negatives": ["number_lt", "-10", "-9"],
		"IpAddress: the whole of IPv6": ["address", "2001:db8::1", "::/0"],
		"IpAddress: the last of a block": ["address", "10.255.255.255", "10.0.0.0/8"],
		"IpAddress: a block of one": ["address", "10.1.2.3", "10.1.2.3/32"],
		"IpAddress: a block written from within": ["address", "10.1.2.4", "10.1.2.3/24"],
		"IpAddress: IPv6 in capitals": ["address", "2001:DB8::A", "2001:db8::a"],
		"IpAddress: IPv4 written as IPv6": ["address", "::ffff:10.1.2.3", "10.0.0.0/8"],
		"DateEquals across time zones": ["date_eq", "2026-01-01T02:00:00+02:00", "2025-12-31T19:00:00-05:00"],
		"DateEquals of a fraction": ["date_eq", "1767225600.5", "2026-01-01T00:00:00.500Z"],
		"DateLessThan before 1970": ["date_lt", "-1", "1970-01-01"],
		"BinaryEquals": ["equal", "aGVsbG8=", "aGVsbG8="],
		"StringLike of nothing": ["like", "", "*"],
		"StringLike minds what is special elsewhere": ["like", "a.b[c]{1}", "a.b[c]{?}"],
		"ArnEquals of what is short": ["arn", "arn:aws:ecs:r:1:cluster/a", "arn:aws:ecs:*"],
		"ArnEquals of whatever": ["arn", "not an ARN", "*"],
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
		"NumericEquals of an exponent": ["number_eq", "1e3", "1000"],
		"NumericEquals of a hexadecimal": ["number_eq", "0x10", "16"],
		"NumericEquals of a plus": ["number_eq", "+1", "1"],
		"NumericEquals of a blank": ["number_eq", " 1", "1"],
		"NumericEquals of nothing": ["number_eq", "", "0"],
		"NumericEquals with an open end": ["number_eq", "1.", "1"],
		"NumericEquals with an open beginning": ["number_eq", ".5", "0.5"],
		"NumericEquals of two lines": ["number_eq", "1\n", "1"],
		"NumericLessThan of equals": ["number_lt", "10", "10.0"],
		"NumericGreaterThan of what is no number": ["number_gt", "many", "1"],
		"IpAddress of IPv4 in a block of IPv6": ["address", "10.1.2.3", "2001:db8::/32"],
		"IpAddress of nothing": ["address", "", "0.0.0.0/0"],
		"IpAddress with a zone": ["address", "fe80::1%eth0", "fe80::/10"],
		"IpAddress with zeros in front": ["address", "010.1.2.3", "10.0.0.0/8"],
		"IpAddress before the first": ["address", "9.255.255.255", "10.0.0.0/8"],
		"DateEquals of two days": ["date_eq", "2026-01-02", "2026-01-01"],
		"DateEquals of a day without zeros": ["date_eq", "2026-1-1", "2026-01-01"],
		"DateEquals without a zone": ["date_eq", "2026-01-01T00:00:00", "2026-01-01"],
		"DateLessThan of equals": ["date_lt", "1767225600", "2026-01-01"],
		"BinaryEquals minds the case": ["equal", "agvsbg8=", "aGVsbG8="],
		"StringEqualsIgnoreCase is no prefix": ["equal_folded", "production", "PROD"],
		"ArnEquals of another partition": ["arn", "arn:aws-cn:ecs:r:1:cluster/a", "arn:aws:ecs:*:1:cluster/a"],
		"ArnEquals across segments": ["arn", "arn:aws:ecs:r:1:cluster/a", "arn:aws:ecs:*:cluster/a"],
		"ArnEquals minds the case": ["arn", "arn:aws:ecs:r:1:cluster/A", "arn:aws:ecs:r:1:cluster/a"],
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
