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
	some key in keys(access, tag)
	some value in known(access, key)
	normal(value) in {normal(wanted) | some wanted in values}
} else := "unknown" if {
	count(keys(access, tag)) == 0
} else := "unknown" if {
	count(needs(access, tag)) > 0
} else := "other" if {
	some key in keys(access, tag)
	count(known(access, key)) > 0
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
	some key in keys(access, tag)
	not is_known(access, key)
	iam.is_unknown(iam.environment(access), lower(key))
]

# known(access, key): the values that the context has of the key. Two spellings of
# it with different values are an error of IAM's evaluation.
known(access, key) := iam.as_list(access.context[key]) if {
	access.context[key]
} else := [value |
	some name, found in access.context
	lower(name) == lower(key)
	some value in iam.as_list(found)
]

is_known(access, key) if {
	some name, _ in access.context
	lower(name) == lower(key)
}
