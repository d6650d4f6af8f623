package ecsmcp.iam

# candidates(documents, env): the statements that name the access's action and
# may name its resource, with what their conditions say. A candidate without
# failing pairs matches if it has no unknown keys, and might match if it has.
candidates(documents, env) := [candidate |
	some named in documents
	version := object.get(named.document, "Version", "2008-10-17")
	some index, statement in as_list(named.document.Statement)
	names_action(statement, env.action)
	resource := resource_unknowns(statement, version, env)
	judged := pairs(statement, version, env)
	candidate := {
		"id": concat("/", [named.name, object.get(statement, "Sid", sprintf("#%d", [index]))]),
		"deny": is_deny(statement),
		"failing": [p | some p in judged; p.state == "false"],
		"unknown": ({key | some p in judged; some key in p.unknown} | resource),
	}
]

# Whatever is not an Allow denies.
default is_deny(_) := true

is_deny(statement) := false if statement.Effect == "Allow"

# names_action(statement, action): Action names it, or NotAction does not. It gets
# no more than the action, so that OPA can reuse the answer for other accesses.
names_action(statement, action) if matches_action(as_list(statement.Action), action)

names_action(statement, action) if {
	statement.NotAction
	not matches_action(as_list(statement.NotAction), action)
}

# Service and name compare without case; the service has no wildcards.
matches_action(patterns, _) if "*" in patterns

matches_action(patterns, action) if {
	# Most statements are about other services: one look at them all is quicker.
	contains(lower(concat(" ", patterns)), action.service)
	some pattern in patterns
	startswith(lower(pattern), action.service)
	glob_matches(trim_prefix(lower(pattern), action.service), action.name)
}

# resource_unknowns(statement, version, env): undefined if the statement does
# not name the resource; else the unknown keys on which that depends.
resource_unknowns(statement, version, env) := set() if {
	some e in expanded_list(statement.Resource, version, env)
	is_settled(e)
	names_resource(is_deny(statement), e.text, env)
} else := doubts(statement.Resource, version, env) if {
	count(doubts(statement.Resource, version, env)) > 0
} else := doubts(statement.NotResource, version, env) if {
	statement.NotResource
	not spares_resource(statement, version, env)
}

# NotResource turns the question round: a Deny spares a resource only if the
# whole of it is named, an Allow as soon as part of it may be.
spares_resource(statement, version, env) if {
	some e in expanded_list(statement.NotResource, version, env)
	is_settled(e)
	names_resource(is_deny(statement) == false, e.text, env)
}

# doubts(patterns, version, env): the unknown keys on which it depends whether
# the patterns name the resource: those of their variables and, if they name part
# of what the resource may turn out to be, those that would tell.
doubts(patterns, version, env) := unknown_of(expanded) | {key |
	some e in expanded
	is_settled(e)
	some key in env.unsettled
	arn_overlaps(e.text, env.resource)
} if {
	expanded := expanded_list(patterns, version, env)
}

# A wide resource must be covered by an Allow, and is met by a Deny if the two
# overlap at all. One that only stands for what it will be must be covered by
# both: else it is in doubt.
names_resource(_, pattern, env) if {
	not env.wide
	arn_matches(pattern, env.resource)
}

names_resource(false, pattern, env) if {
	env.wide
	arn_covers(pattern, env.resource)
}

names_resource(true, pattern, env) if {
	env.wide
	count(env.unsettled) == 0
	arn_overlaps(pattern, env.resource)
}

names_resource(true, pattern, env) if {
	count(env.unsettled) > 0
	arn_covers(pattern, env.resource)
}

expanded_list(patterns, version, env) := [expand(p, version, env) | some p in as_list(patterns)]

# A pattern with a variable that has no value matches nothing.
is_settled(e) if count(e.unknown) + count(e.missing) == 0

unknown_of(expanded) := {key | some e in expanded; some key in e.unknown}
