# METADATA
# title: Tags
# description: |
#   What is known of a tag of that which an access is about. Where AWS looks at
#   the tags of the resource they are aws:ResourceTag/KEY; where it does not, the
#   proxy looks them up itself, as ecs-mcp-proxy:SubjectTag/KEY.
package ecsmcp.lib.tags

import data.ecsmcp.iam

# state(access, tag, values): "listed" if a tag has one of the values, "unknown"
# if one could have, "absent" if there is none, else "other". Values are compared
# without case and without the space around them.
state(access, tag, values) := "absent" if {
	access.creates
} else := "listed" if {
	env := iam.environment(access)
	wanted := {normal(value) | some value in values}
	some key in keys(access, tag)
	some value in env.keys[lower(key)].values
	normal(value) in wanted
} else := "unknown" if {
	count(keys(access, tag)) == 0
} else := "unknown" if {
	count(needs(access, tag)) > 0
} else := "other" if {
	env := iam.environment(access)
	some key in keys(access, tag)
	count(env.keys[lower(key)].values) > 0
} else := "absent"

normal(value) := lower(trim_space(value))

# keys(access, tag): the condition keys that carry the tag. An action on "*" that
# names no subject is about nobody knows what, so it has none.
keys(access, tag) := [concat("", [prefix, tag]) |
	some prefix in ["aws:ResourceTag/", "ecs-mcp-proxy:SubjectTag/"]
	carries(access, prefix)
]

carries(access, "aws:ResourceTag/") if {
	access.resource != "*"
	access.resource != object.get(access, "subject", "")
}

carries(access, "ecs-mcp-proxy:SubjectTag/") if access.subject

# needs(access, tag): those of them that were not looked up.
needs(access, tag) := [key |
	env := iam.environment(access)
	some key in keys(access, tag)
	iam.is_unknown(env, lower(key))
]
