package ecsmcp.iam

# pairs(statement, version, env): every (operator, key) of the statement's
# Condition with its state, "true", "false" or "unknown", and the keys that make
# it unknown. All of them must be true for the statement to match.
pairs(statement, version, env) := [pair(name, key, as_list(values), version, env) |
	some name, block in object.get(statement, "Condition", {})
	some key, values in block
]

pair(name, key, values, version, env) := {"operator": name, "key": key, "state": state, "unknown": unknown} if {
	expanded := [expand(value, version, env) | some value in values]
	unknown := {k | some k in unknowns(name, key, expanded, env)}
	state := pair_state(name, key, expanded, unknown, env)
}

# unknowns(name, key, expanded, env): the keys without which the pair has no answer.
unknowns(name, key, expanded, env) := [key] if {
	is_unknown(env, lower(key))
} else := [k | some e in expanded; some k in e.unknown] if {
	some e in expanded
	count(e.unknown) > 0
} else := [k | some e in expanded; some k in e.missing] if {
	# AWS's pages disagree on a variable without a value under a negated
	# operator. Unknown is right either way: a Deny fires, an Allow does not.
	operator(name).negated
} else := [key] if {
	# The loader refuses operators that IAM does not have. Should one get here,
	# a Deny must not vanish.
	not operator(name)
	lower(name) != "null"
} else := []

pair_state(name, key, expanded, unknown, env) := "unknown" if {
	count(unknown) > 0
} else := "true" if {
	holds(name, lower(key), [e.text | some e in expanded; count(e.missing) == 0], env)
} else := "false"

# holds(name, key, patterns, env): the condition on a key that is known or absent.
holds(name, key, patterns, env) if {
	lower(name) == "null"
	some pattern in patterns
	is_null(lower(pattern), key, env)
}

holds(name, key, patterns, env) if {
	op := operator(name)
	is_present(env, key)
	holds_present(op, env.keys[key], patterns)
}

holds(name, key, _, env) if {
	op := operator(name)
	not is_present(env, key)
	holds_absent(op)
}

is_null("true", key, env) if not is_present(env, key)

is_null("false", key, env) if is_present(env, key)

# Source: IAM user guide, "Set operators for multivalued context keys": without a
# set operator a multi-valued key matches nothing, negated or not.
holds_present(op, known, patterns) if {
	op.set == ""
	not known.multi
	agrees(op, known.values[0], patterns)
}

holds_present(op, known, patterns) if {
	op.set == "forallvalues:"
	every value in known.values {
		agrees(op, value, patterns)
	}
}

holds_present(op, known, patterns) if {
	op.set == "foranyvalue:"
	some value in known.values
	agrees(op, value, patterns)
}

# IfExists does not help ForAnyValue: there is no value that could agree.
holds_absent(op) if op.set == "forallvalues:"

holds_absent(op) if {
	op.set == ""
	op.negated
}

holds_absent(op) if {
	op.set == ""
	op.if_exists
}

# Values of one key are alternatives; negated, none of them may match.
agrees(op, value, patterns) if {
	not op.negated
	some pattern in patterns
	meets(op.test, value, pattern)
}

agrees(op, value, patterns) if {
	op.negated
	not meets_any(op.test, value, patterns)
}

meets_any(test, value, patterns) if {
	some pattern in patterns
	meets(test, value, pattern)
}
