package ecsmcp.iam_test

# A session policy limits as a boundary does; an explicit deny in it wins.
# Source: IAM user guide, "Session policies", "Permissions boundaries".
session_row := {
	"no session: it limits nothing": [{}, "allowed", "identity"],
	"no documents: it limits nothing": [{"session": []}, "allowed", "identity"],
	"a document without statements: it allows nothing": [{"session": named("s", [])}, "implicitDeny", "session"],
	"a document of denies: it allows nothing": [{"session": named("s", [protect])}, "implicitDeny", "session"],
	"a document that allows": [{"session": named("s", [allow_all])}, "allowed", "identity"],
	"a document that allows something else": [{"session": named("s", [object.union(allow_all, {"Action": "ecr:*"})])}, "implicitDeny", "session"],
	"a document that denies": [{"session": named("s", [allow_all, deny_delete])}, "explicitDeny", "session"],
	"two documents add up": [{"session": array.concat(named("s", [protect]), named("t", [allow_all]))}, "allowed", "identity"],
	"a deny in one of two": [{"session": array.concat(named("s", [deny_delete]), named("t", [allow_all]))}, "explicitDeny", "session"],
	"boundary and session both allow": [{"boundary": named("b", [allow_all]), "session": named("s", [allow_all])}, "allowed", "identity"],
	"the boundary alone allows": [{"boundary": named("b", [allow_all]), "session": named("s", [])}, "implicitDeny", "session"],
	"the session alone allows": [{"boundary": named("b", []), "session": named("s", [allow_all])}, "implicitDeny", "boundary"],
}

test_session[note] if {
	some note, row in session_row
	r := result(object.union({"identity": named("id", [allow_all])}, row[0]), untagged)
	r.decision == row[1]
	r.layer == row[2]
}

# What limits as a session limits as a boundary, too.
test_session_and_boundary_limit_alike[note] if {
	some note, row in {n: r | some n, r in session_row; not r[0].boundary}
	identity := {"identity": named("id", [allow_all])}
	as_session := result(object.union(identity, row[0]), untagged)
	as_boundary := result(object.union(identity, {"boundary": d | d := row[0].session}), untagged)
	as_session.decision == as_boundary.decision
	as_session.statements == as_boundary.statements
}

test_session_never_adds if {
	r := result({"identity": named("id", [object.union(allow_all, {"Action": "ecr:*"})]), "session": named("s", [allow_all])}, untagged)
	r.decision == "implicitDeny"
	r.layer == "identity"
	not r.possible
}

test_session_pins_a_tag if {
	pinned := object.union(allow_all, {"Sid": "Pin", "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "staging"}}})
	layers := {"identity": named("id", [allow_all]), "session": named("s", [pinned])}
	result(layers, tagged("staging")).decision == "allowed"
	result(layers, tagged("production")).decision == "implicitDeny"
	result(layers, tagged("production")).layer == "session"
	result(layers, unlooked).unknown == ["aws:ResourceTag/Environment"]
}

# A grant carries Deny * on * from its end on.
test_session_ends_with_its_grant if {
	ends := object.union(allow_all, {"Sid": "End", "Effect": "Deny", "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:05:00Z"}}})
	layers := {"identity": named("id", [allow_all]), "session": named("s", [allow_all, ends])}
	result(layers, delete({"aws:CurrentTime": "2026-01-01T00:04:59Z"}, [])).decision == "allowed"
	result(layers, delete({"aws:CurrentTime": "2026-01-01T00:05:01Z"}, [])).statements == ["s/End"]
	result(layers, delete({}, ["aws:CurrentTime"])).decision == "explicitDeny"
}

test_session_does_not_limit_what_touches_no_aws_api if {
	call := {"action": "mcp:CallTool", "resource": "arn:ecs-mcp-proxy:mcp:::server/tool/a", "context": {}}
	result({"mcp": named("m", [allow_all]), "session": named("s", [])}, call).decision == "allowed"
}
