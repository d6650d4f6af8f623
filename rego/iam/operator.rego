package ecsmcp.iam

# operators: how each operator compares, and whether it negates.
# Source: IAM user guide, "IAM JSON policy elements: Condition operators".
operators := {
	"stringequals": {"test": "equal", "negated": false},
	"stringnotequals": {"test": "equal", "negated": true},
	"stringequalsignorecase": {"test": "equal_folded", "negated": false},
	"stringnotequalsignorecase": {"test": "equal_folded", "negated": true},
	"stringlike": {"test": "like", "negated": false},
	"stringnotlike": {"test": "like", "negated": true},
	"arnequals": {"test": "arn", "negated": false},
	"arnlike": {"test": "arn", "negated": false},
	"arnnotequals": {"test": "arn", "negated": true},
	"arnnotlike": {"test": "arn", "negated": true},
	"bool": {"test": "equal_folded", "negated": false},
	"binaryequals": {"test": "equal", "negated": false},
	"ipaddress": {"test": "address", "negated": false},
	"notipaddress": {"test": "address", "negated": true},
	"numericequals": {"test": "number_eq", "negated": false},
	"numericnotequals": {"test": "number_eq", "negated": true},
	"numericlessthan": {"test": "number_lt", "negated": false},
	"numericlessthanequals": {"test": "number_lte", "negated": false},
	"numericgreaterthan": {"test": "number_gt", "negated": false},
	"numericgreaterthanequals": {"test": "number_gte", "negated": false},
	"dateequals": {"test": "date_eq", "negated": false},
	"datenotequals": {"test": "date_eq", "negated": true},
	"datelessthan": {"test": "date_lt", "negated": false},
	"datelessthanequals": {"test": "date_lte", "negated": false},
	"dategreaterthan": {"test": "date_gt", "negated": false},
	"dategreaterthanequals": {"test": "date_gte", "negated": false},
}

# operator(name): the parts of a name such as "ForAnyValue:StringLikeIfExists";
# names compare without case. Undefined for an operator that IAM does not have.
operator(name) := object.union(operators[base], {"set": set, "if_exists": if_exists}) if {
	set := set_prefix(lower(name))
	bare := trim_prefix(lower(name), set)
	base := trim_suffix(bare, "ifexists")
	if_exists := base != bare
}

set_prefix(name) := "forallvalues:" if {
	startswith(name, "forallvalues:")
} else := "foranyvalue:" if {
	startswith(name, "foranyvalue:")
} else := ""

# meets(test, value, pattern): one value of the request against one of the policy.
meets("equal", value, pattern) if value == unmark(pattern)

meets("equal_folded", value, pattern) if lower(value) == lower(unmark(pattern))

meets("like", value, pattern) if glob_matches(pattern, value)

meets("arn", value, pattern) if arn_matches(pattern, value)

meets("address", value, pattern) if {
	net.cidr_is_valid(network(value))
	net.cidr_is_valid(network(unmark(pattern)))
	net.cidr_contains(network(unmark(pattern)), value)
}

meets("number_eq", value, pattern) if number(value) == number(unmark(pattern))

meets("number_lt", value, pattern) if number(value) < number(unmark(pattern))

meets("number_lte", value, pattern) if number(value) <= number(unmark(pattern))

meets("number_gt", value, pattern) if number(value) > number(unmark(pattern))

meets("number_gte", value, pattern) if number(value) >= number(unmark(pattern))

meets("date_eq", value, pattern) if instant(value) == instant(unmark(pattern))

meets("date_lt", value, pattern) if instant(value) < instant(unmark(pattern))

meets("date_lte", value, pattern) if instant(value) <= instant(unmark(pattern))

meets("date_gt", value, pattern) if instant(value) > instant(unmark(pattern))

meets("date_gte", value, pattern) if instant(value) >= instant(unmark(pattern))

# network(text): a CIDR block; a bare address is a block of one.
network(text) := text if {
	contains(text, "/")
} else := concat("", [text, "/128"]) if {
	contains(text, ":")
} else := concat("", [text, "/32"])

# number(text): undefined unless the whole text is one decimal number.
number(text) := to_number(text) if regex.match(`^-?[0-9]+(\.[0-9]+)?$`, text)

# instant(text): nanoseconds since 1970, from ISO 8601 or from epoch seconds.
instant(text) := number(text) * 1000000000

instant(text) := time.parse_rfc3339_ns(text) if {
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}(Z|[+-][0-9]{2}:[0-9]{2})$`, text)
}

instant(text) := time.parse_rfc3339_ns(concat("", [text, "T00:00:00Z"])) if {
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, text)
}
