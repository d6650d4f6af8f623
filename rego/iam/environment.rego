package ecsmcp.iam

# environment(access): what statements are compared with. Key names compare
# without case, the tag key included, so they are folded once; two spellings of
# one key in a context are an evaluation error, hence a deny.
environment(access) := {
	"action": {"service": concat("", [service, ":"]), "name": name},
	"resource": access.resource,
	"wide": is_wide(access),
	"keys": {lower(key): values_of(value) | some key, value in object.get(access, "context", {})},
	"unsettled": unsettled_by(access),
	"unknown": {lower(key) | some key in object.get(access, "unknown", []); not endswith(key, "*")},
	"unknown_prefixes": [trim_suffix(lower(key), "*") | some key in object.get(access, "unknown", []); endswith(key, "*")],
} if {
	[service, name] := split(lower(access.action), ":")
}

values_of(value) := {"multi": true, "values": [as_text(v) | some v in value]} if {
	is_array(value)
} else := {"multi": false, "values": [as_text(value)]}

as_text(value) := value if {
	is_string(value)
} else := json.marshal(value)

as_list(value) := value if {
	is_array(value)
} else := [value]

# A wide resource has wildcards of its own and stands for all that it matches.
# The "*" of an action without resource-level permission is no pattern.
default is_wide(_) := false

is_wide(access) if {
	has_wildcard(access.resource)
	not is_whole(access)
}

is_whole(access) if {
	access.resource == "*"
	access.unscopable
}

# unsettled_by(access): the keys that would say which one of what the resource
# stands for is meant. Without them all of it is meant.
unsettled_by(access) := {key |
	some key in object.get(access, "unknown", [])
	startswith(lower(key), "ecs-mcp-proxy:resource/")
	not endswith(key, "*")
	is_wide(access)
}

# A multi-valued key without values is absent.
# Source: IAM user guide, "Set operators for multivalued context keys".
is_present(env, key) if count(env.keys[key].values) > 0

is_unknown(env, key) if {
	not env.keys[key]
	key in env.unknown
}

is_unknown(env, key) if {
	not env.keys[key]
	strings.any_prefix_match(key, env.unknown_prefixes)
}
