package ecsmcp.iam

# An IAM pattern knows "*" (any text) and "?" (one character). Text that a
# policy variable put into a pattern is literal: its special characters travel
# as marks from Unicode's private use area until the comparison.
# Source: IAM user guide, "IAM policy elements: Variables and tags".
star_mark := "\ue000"

question_mark := "\ue001"

colon_mark := "\ue002"

marked := {"*": star_mark, "?": question_mark, ":": colon_mark}

unmarked := {star_mark: "*", question_mark: "?", colon_mark: ":"}

mark(text) := strings.replace_n(marked, text)

unmark(text) := strings.replace_n(unmarked, text)

has_mark(text) if {
	some sign in marked
	contains(text, sign)
}

# glob_matches(pattern, text): the pattern matches this one text.
glob_matches("*", _)

glob_matches(pattern, text) if {
	not has_wildcard(pattern)
	unmark(pattern) == text
}

glob_matches(pattern, text) if {
	has_wildcard(pattern)
	regex.match(concat("", ["(?s)^", strings.replace_n(regex_of, pattern), "$"]), text)
}

has_wildcard(text) if contains(text, "*")

has_wildcard(text) if contains(text, "?")

regex_of := object.union(
	{character: concat("", [`\`, character]) | some character in [`\`, ".", "+", "(", ")", "[", "]", "{", "}", "^", "$", "|"]},
	{"*": ".*", "?": ".", star_mark: `\*`, question_mark: `\?`, colon_mark: ":"},
)

# arn_matches(pattern, arn): wildcards do not leave their segment, except that
# the "*" which ends a short pattern ("arn:aws:ecs:*") runs to the end.
arn_matches("*", _)

arn_matches(pattern, arn) if {
	pattern != "*"
	patterns := segments(pattern, 6)
	texts := segments(arn, count(patterns))
	count(texts) == count(patterns)
	runs_to_end(patterns)
	every i, part in patterns {
		glob_matches(part, texts[i])
	}
}

# segments(text, n): what colons divide, the last of n with all that is left.
# (strings.split_n would drop what is left.)
segments(text, n) := parts if {
	parts := split(text, ":")
	count(parts) <= n
} else := array.concat(array.slice(parts, 0, n - 1), [concat(":", array.slice(parts, n - 1, count(parts)))]) if {
	parts := split(text, ":")
}

runs_to_end(patterns) if count(patterns) == 6

runs_to_end(patterns) if endswith(patterns[count(patterns) - 1], "*")

# arn_covers(pattern, wide): the pattern matches every resource that the wide one
# stands for.
arn_covers(pattern, wide) if {
	# "?" must not swallow a "*": one character cannot stand for many. Nor is the
	# literal "*" of a policy variable the wildcard that the wide one has there.
	not contains(pattern, "?")
	not contains(pattern, star_mark)
	not contains(pattern, question_mark)
	arn_matches(pattern, wide)
}

# arn_overlaps(pattern, wide): there may be a resource that both match. Errs
# towards yes: only what stands before the first and after the last wildcard is
# compared.
arn_overlaps(pattern, wide) if {
	theirs := literal_ends(pattern)
	ours := literal_ends(wide)
	one_begins_other(theirs.first, ours.first)
	one_ends_other(theirs.last, ours.last)
}

literal_ends(pattern) := {"first": unmark(parts[0]), "last": unmark(parts[count(parts) - 1])} if {
	parts := regex.split(`[*?]`, pattern)
}

one_begins_other(a, b) if startswith(a, b)

one_begins_other(a, b) if startswith(b, a)

one_ends_other(a, b) if endswith(a, b)

one_ends_other(a, b) if endswith(b, a)
