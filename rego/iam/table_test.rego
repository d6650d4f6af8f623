# Every operator in every variant against every state of its key. The expected
# states are written from IAM's documentation, not from the evaluator.
package ecsmcp.iam_test

import data.ecsmcp.iam

# rows: for each operator whether it negates, the values of a policy, two values
# of a request that meet one of them each, and two that meet none.
rows := {
	"StringEquals": [false, ["prod", "stage"], "prod", "stage", "Prod", "pro"],
	"StringNotEquals": [true, ["prod", "stage"], "prod", "stage", "Prod", "pro"],
	"StringEqualsIgnoreCase": [false, ["prod", "STAGE"], "PROD", "stage", "pro", "prod "],
	"StringNotEqualsIgnoreCase": [true, ["prod", "STAGE"], "PROD", "stage", "pro", "prod "],
	"StringLike": [false, ["prod*", "st?ge"], "production", "stage", "PROD", "stge"],
	"StringNotLike": [true, ["prod*", "st?ge"], "production", "stage", "PROD", "stge"],
	"ArnEquals": [false, ["arn:aws:ecs:*:1:cluster/a*", "arn:aws:ecs:eu-west-1:1:cluster/b"], "arn:aws:ecs:us-east-1:1:cluster/ab", "arn:aws:ecs:eu-west-1:1:cluster/b", "arn:aws:ecs:us-east-1:2:cluster/a", "arn:aws:ecs:us-east-1:1:Cluster/a"],
	"ArnLike": [false, ["arn:aws:ecs:*:1:cluster/a*", "arn:aws:ecs:eu-west-1:1:cluster/b"], "arn:aws:ecs:us-east-1:1:cluster/ab", "arn:aws:ecs:eu-west-1:1:cluster/b", "arn:aws:ecs:us-east-1:2:cluster/a", "arn:aws:ecs:us-east-1:1:Cluster/a"],
	"ArnNotEquals": [true, ["arn:aws:ecs:*:1:cluster/a*", "arn:aws:ecs:eu-west-1:1:cluster/b"], "arn:aws:ecs:us-east-1:1:cluster/ab", "arn:aws:ecs:eu-west-1:1:cluster/b", "arn:aws:ecs:us-east-1:2:cluster/a", "arn:aws:ecs:us-east-1:1:Cluster/a"],
	"ArnNotLike": [true, ["arn:aws:ecs:*:1:cluster/a*", "arn:aws:ecs:eu-west-1:1:cluster/b"], "arn:aws:ecs:us-east-1:1:cluster/ab", "arn:aws:ecs:eu-west-1:1:cluster/b", "arn:aws:ecs:us-east-1:2:cluster/a", "arn:aws:ecs:us-east-1:1:Cluster/a"],
	"Bool": [false, [true], "true", "TRUE", "false", "1"],
	"BinaryEquals": [false, ["aGVsbG8=", "QUJD"], "aGVsbG8=", "QUJD", "agvsbg8=", "hello"],
	"IpAddress": [false, ["10.0.0.0/8", "2001:db8::/32"], "10.1.2.3", "2001:db8::1", "11.1.2.3", "::1"],
	"NotIpAddress": [true, ["10.0.0.0/8", "2001:db8::/32"], "10.1.2.3", "2001:db8::1", "11.1.2.3", "::1"],
	"NumericEquals": [false, [256, "0.5"], "256.0", "0.50", "255", "256x"],
	"NumericNotEquals": [true, [256, "0.5"], "256.0", "0.50", "255", "256x"],
	"NumericLessThan": [false, ["5", 10], "4", "9", "10", "100"],
	"NumericLessThanEquals": [false, ["5", 10], "4", "10", "11", "100"],
	"NumericGreaterThan": [false, [100, "50"], "101", "51", "50", "9"],
	"NumericGreaterThanEquals": [false, [100, "50"], "100", "50", "49", "9"],
	"DateEquals": [false, ["2026-01-01T00:00:00Z", "1767312000"], "2026-01-01", "2026-01-02T00:00:00Z", "2026-01-03", "soon"],
	"DateNotEquals": [true, ["2026-01-01T00:00:00Z", "1767312000"], "2026-01-01", "2026-01-02T00:00:00Z", "2026-01-03", "soon"],
	"DateLessThan": [false, ["2026-01-01T00:00:00Z", "2026-06-01"], "2025-12-31T23:59:59Z", "2026-05-31", "2026-06-01T00:00:00Z", "2027-01-01"],
	"DateLessThanEquals": [false, ["2026-01-01T00:00:00Z", "2026-06-01"], "2025-12-31T23:59:59Z", "2026-06-01T00:00:00Z", "2026-06-01T00:00:01Z", "2027-01-01"],
	"DateGreaterThan": [false, ["2026-06-01", "2026-01-01T00:00:00Z"], "2026-06-02", "2026-01-01T00:00:00.001Z", "2026-01-01T00:00:00Z", "2025-01-01"],
	"DateGreaterThanEquals": [false, ["2026-06-01", "2026-01-01T00:00:00Z"], "2026-06-01", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2025-01-01"],
}

variants := {
	"plain": ["", ""],
	"IfExists": ["", "IfExists"],
	"ForAllValues": ["ForAllValues:", ""],
	"ForAllValues IfExists": ["ForAllValues:", "IfExists"],
	"ForAnyValue": ["ForAnyValue:", ""],
	"ForAnyValue IfExists": ["ForAnyValue:", "IfExists"],
}

# columns: what the request has for the key. "one" meets a value of the policy,
# "other" meets none; the rest are multi-valued.
columns := ["one", "other", "absent", "unknown", "empty", "all meet", "some meet", "none meets"]

# expected[negated][variant]: the states, in the order of the columns.
#
# Sources: IAM user guide, "Condition operators" (an absent key makes a negated
# operator true; IfExists makes any true), "Set operators for multivalued context
# keys" (ForAllValues is true for no values, ForAnyValue is false; without either
# a multi-valued key matches nothing). That ForAnyValue stays false with IfExists
# is not written there; it was measured at AWS by its users. Unknown is ours.
expected["positive"] := {
	"plain": ["true", "false", "false", "unknown", "false", "false", "false", "false"],
	"IfExists": ["true", "false", "true", "unknown", "true", "false", "false", "false"],
	"ForAllValues": ["true", "false", "true", "unknown", "true", "true", "false", "false"],
	"ForAllValues IfExists": ["true", "false", "true", "unknown", "true", "true", "false", "false"],
	"ForAnyValue": ["true", "false", "false", "unknown", "false", "true", "true", "false"],
	"ForAnyValue IfExists": ["true", "false", "false", "unknown", "false", "true", "true", "false"],
}

expected["negated"] := {
	"plain": ["false", "true", "true", "unknown", "true", "false", "false", "false"],
	"IfExists": ["false", "true", "true", "unknown", "true", "false", "false", "false"],
	"ForAllValues": ["false", "true", "true", "unknown", "true", "false", "false", "true"],
	"ForAllValues IfExists": ["false", "true", "true", "unknown", "true", "false", "false", "true"],
	"ForAnyValue": ["false", "true", "false", "unknown", "false", "false", "true", "true"],
	"ForAnyValue IfExists": ["false", "true", "false", "unknown", "false", "false", "true", "true"],
}

sign(true) := "negated"

sign(false) := "positive"

# What stands in each column; where two requests do, both must say the same.
requests(row) := [
	[{"context": {"x:key": row[2]}}, {"context": {"X:KEY": row[3]}}],
	[{"context": {"x:key": row[4]}}, {"context": {"x:key": row[5]}}],
	[{"context": {"x:other": row[2]}}],
	[{"context": {"x:other": row[2]}, "unknown": ["X:*"]}],
	[{"context": {"x:key": []}, "unknown": ["x:key"]}],
	[{"context": {"x:key": [row[3], row[2]]}}],
	[{"context": {"x:key": [row[5], row[3]]}}],
	[{"context": {"x:key": [row[5], row[4]]}}],
]

# cells(operator): what it makes of every variant in each column, and what it should.
cells(operator) := {[variant, columns[i], n]: {"state": state, "expected": expected[sign(row[0])][variant][i]} |
	row := rows[operator]
	some i, asked in requests(row)
	some n, request in asked
	env := iam.environment(object.union({"action": "x:y", "resource": "*"}, request))
	some variant, parts in variants
	name := concat("", [parts[0], operator, parts[1]])
	state := iam.pair([name, upper(name)][n], "x:Key", row[1], "2012-10-17", env).state
}

# holds_as_documented(operator): no cell differs; those that do are printed.
holds_as_documented(operator) if {
	found := cells(operator)
	count(found) == count(variants) * 10
	wrong := {cell: answer | some cell, answer in found; answer.state != answer.expected}
	print(operator, wrong)
	count(wrong) == 0
}

test_table_string_equals if holds_as_documented("StringEquals")

test_table_string_not_equals if holds_as_documented("StringNotEquals")

test_table_string_equals_ignore_case if holds_as_documented("StringEqualsIgnoreCase")

test_table_string_not_equals_ignore_case if holds_as_documented("StringNotEqualsIgnoreCase")

test_table_string_like if holds_as_documented("StringLike")

test_table_string_not_like if holds_as_documented("StringNotLike")

test_table_arn_equals if holds_as_documented("ArnEquals")

test_table_arn_like if holds_as_documented("ArnLike")

test_table_arn_not_equals if holds_as_documented("ArnNotEquals")

test_table_arn_not_like if holds_as_documented("ArnNotLike")

test_table_bool if holds_as_documented("Bool")

test_table_binary_equals if holds_as_documented("BinaryEquals")

test_table_ip_address if holds_as_documented("IpAddress")

test_table_not_ip_address if holds_as_documented("NotIpAddress")

test_table_numeric_equals if holds_as_documented("NumericEquals")

test_table_numeric_not_equals if holds_as_documented("NumericNotEquals")

test_table_numeric_less_than if holds_as_documented("NumericLessThan")

test_table_numeric_less_than_equals if holds_as_documented("NumericLessThanEquals")

test_table_numeric_greater_than if holds_as_documented("NumericGreaterThan")

test_table_numeric_greater_than_equals if holds_as_documented("NumericGreaterThanEquals")

test_table_date_equals if holds_as_documented("DateEquals")

test_table_date_not_equals if holds_as_documented("DateNotEquals")

test_table_date_less_than if holds_as_documented("DateLessThan")

test_table_date_less_than_equals if holds_as_documented("DateLessThanEquals")

test_table_date_greater_than if holds_as_documented("DateGreaterThan")

test_table_date_greater_than_equals if holds_as_documented("DateGreaterThanEquals")

test_table_has_every_operator if {
	{lower(operator) | some operator, _ in rows} == object.keys(iam.operators)
}

test_table_negates_what_iam_negates[operator] if {
	some operator, row in rows
	iam.operator(operator).negated == row[0]
}

# Source: IAM user guide, "Condition operator to check existence of condition keys".
null_rows := {
	"true: absent": ["true", {}, "true"],
	"true: present": ["true", {"context": {"x:key": "a"}}, "false"],
	"true: present and empty": ["true", {"context": {"x:key": ""}}, "false"],
	"true: no values": ["true", {"context": {"x:key": []}}, "true"],
	"true: many values": ["true", {"context": {"x:key": ["a", "b"]}}, "false"],
	"true: unknown": ["true", {"unknown": ["x:key"]}, "unknown"],
	"false: absent": ["false", {}, "false"],
	"false: present": ["false", {"context": {"x:key": "a"}}, "true"],
	"false: present and empty": ["false", {"context": {"x:key": ""}}, "true"],
	"false: no values": ["false", {"context": {"x:key": []}}, "false"],
	"false: many values": ["false", {"context": {"x:key": ["a", "b"]}}, "true"],
	"false: unknown": ["false", {"unknown": ["x:key"]}, "unknown"],
	"either: absent": [["true", "false"], {}, "true"],
	"either: present": [["true", "false"], {"context": {"x:key": "a"}}, "true"],
	"TRUE as a word: absent": ["TRUE", {}, "true"],
	"false unquoted: present": [false, {"context": {"x:key": "a"}}, "true"],
	"no word of IAM: absent": ["yes", {}, "false"],
}

test_null[note] if {
	some note, row in null_rows
	some operator in ["Null", "NULL"]
	env := iam.environment(object.union({"action": "x:y", "resource": "*"}, row[1]))
	iam.pair(operator, "x:Key", iam.as_list(row[0]), "2012-10-17", env).state == row[2]
}
