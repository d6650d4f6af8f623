# METADATA
# title: Arguments
# description: |
#   What a call's arguments say, whatever the server calls it. Names are compared
#   without case, "_" and "-", at any depth, so that desiredCount, desired_count
#   and a wrapper around either read alike. Guardrails look here and not at a
#   fixed path: a path that another server spells otherwise would protect nothing.
package ecsmcp.lib.arguments

given := object.get(input.call, "arguments", {})

# fold(name): the name without case, "_" and "-"; an index of a list has none.
fold(name) := strings.replace_n({"_": "", "-": ""}, lower(name)) if {
	is_string(name)
} else := ""

# found: what the arguments hold. A rule without parameters, so that they are read
# once for all guardrails.
found := read(given)

# read(given): `members` has the named values at any depth by their folded names;
# null is as good as left out, and what a free map holds is not an argument: a
# Docker label may be called "privileged". `documents` has the places of strings
# that hold a document of their own, under two names at most.
#
# In the proxy a native function stands in for this one.
read(given) := {
	"members": {name: [m | some m in all; m.name == name] | some name in {m.name | some m in all}},
	"documents": [path |
		walk(given, [path, value])
		is_string(value)
		count([part | some part in path; is_string(part)]) <= 2
		regex.match(`^\s*[\[{]|\n`, value)
	],
} if {
	all := [{"name": fold(name), "path": path, "value": value} |
		walk(given, [path, value])
		name := path[count(path) - 1]
		is_string(name)
		value != null
		not is_in_free_map(path)
	]
}

# named(names): the members of these folded names.
named(names) := [m |
	some name in names
	some m in found.members[name]
]

is_in_free_map(path) if {
	some i, part in path
	i < count(path) - 1
	fold(part) in {"dockerlabels", "driveropts", "environment", "environmentvariables", "env"}
}

is_in_free_map(path) if {
	some i, part in path
	i < count(path) - 1
	[fold(path[i - 1]), fold(part)] in {
		["logconfiguration", "options"],
		["firelensconfiguration", "options"],
		["dockervolumeconfiguration", "labels"],
	}
}

# containers: the objects that describe a container, with words for a message.
containers := [{"words": words(m.value), "value": m.value} |
	some m in container_objects
]

container_objects contains {"path": m.path, "value": m.value} if {
	some m in named({"primarycontainer"})
	is_object(m.value)
}

container_objects contains {"path": array.concat(m.path, [i]), "value": one} if {
	some m in named({"containerdefinitions", "containers"})
	is_array(m.value)
	some i, one in m.value
	is_object(one)
}

# A tool of few arguments has the container's beside all others.
container_objects contains {"path": path, "value": object.get(given, path, {})} if {
	some m in named(image_names)
	path := array.slice(m.path, 0, count(m.path) - 1)
}

image_names := {"image", "imageuri", "containerimage"}

# words(value): how a message calls an object.
words(value) := concat(" ", ["container", shown(value.name)]) if {
	is_string(value.name)
} else := "the container"

# holder(path): how a message calls what a member belongs to: the innermost
# container around it, else the place of the member itself.
holder(path) := words(around[count(around) - 1]) if {
	around := [c.value | some c in container_objects; count(c.path) > 0; array.slice(path, 0, count(c.path)) == c.path]
	count(around) > 0
} else := place(path)

# shown(value): the value in a message, which must not grow with it.
shown(value) := cut(sprintf("%q", [value])) if {
	is_string(value)
} else := cut(json.marshal(value))

cut(text) := text if {
	count(text) <= 80
} else := concat("", [substring(text, 0, 80), "…"])

# place(path): "api_params.volumes[0].host".
place(path) := trim_prefix(concat("", [step(part) | some part in path]), ".")

step(part) := sprintf("[%d]", [part]) if {
	is_number(part)
} else := concat("", [".", part])

# unreadable: a message for every reason why the arguments cannot be judged. A
# document in a string is one that the server reads and nobody here does.
unreadable contains sprintf("%s holds a document as text, which cannot be judged", [place(path)]) if {
	some path in found.documents
}

unreadable contains sprintf("%s must be a list of objects", [place(m.path)]) if {
	some m in named({"containerdefinitions"})
	not is_list_of_objects(m.value)
}

is_list_of_objects(value) if {
	is_array(value)
	every one in value {
		is_object(one)
	}
}

# unreadable_task: also that a task definition has no container to look at.
unreadable_task := unreadable if {
	count(containers) > 0
} else := unreadable | {"the arguments do not say which containers the task has"}

# is_on(value): it is not plainly false, whatever else it is.
is_on(value) if not is_off(value)

is_off(value) if value in {false, 0}

is_off(value) if {
	is_string(value)
	lower(trim_space(value)) in {"false", "disabled", "no", "off", "0", ""}
}

# is_something(value): an override is there and not empty.
is_something(value) if not value in {"", [], {}}

# is_at_least(value, least) and is_at_most(value, most) are false of what is no
# number. They are functions because "not f(x) > y" is undefined where f(x) is.
is_at_least(value, least) if as_number(value) >= least

is_at_most(value, most) if as_number(value) <= most

# as_number(value) is undefined for what is no number of things.
as_number(value) := value if {
	is_number(value)
} else := to_number(trim_space(value)) if {
	is_string(value)
	regex.match(`^\s*[0-9]{1,9}(\.[0-9]+)?\s*$`, value)
}
