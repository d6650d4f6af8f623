package ecsmcp.iam

# expand(text, version, env): a policy's text with its variables replaced.
# `unknown` and `missing` list the keys of those that could not be.
expand(text, version, env) := {"text": as_text(text), "unknown": [], "missing": []} if {
	not has_variables(text, version)
} else := {
	"text": strings.replace_n({v.source: v.value | some v in found; v.state == "found"}, text),
	"unknown": [v.key | some v in found; v.state == "unknown"],
	"missing": [v.key | some v in found; v.state == "missing"],
} if {
	found := [variable(source, env) | some source in regex.find_n(variable_form, text, -1)]
}

variable_form := `\$\{[^}]*\}`

# Version 2008-10-17, which an absent one means, has no variables.
# Source: IAM user guide, "IAM JSON policy elements: Version".
has_variables(text, version) if {
	version == "2012-10-17"
	is_string(text)
	contains(text, "${")
}

escapes := {"${*}": star_mark, "${?}": question_mark, "${$}": "$"}

# variable(source, env): what one ${…} stands for. A multi-valued key cannot
# stand in a text; a value that holds a mark could be taken for a wildcard.
variable(source, env) := {"source": source, "state": "found", "value": escapes[source]} if {
	escapes[source]
} else := {"source": source, "state": "unknown", "key": key_of(source)} if {
	is_unknown(env, lower(key_of(source)))
} else := {"source": source, "state": "found", "value": mark(value)} if {
	known := env.keys[lower(key_of(source))]
	not known.multi
	value := known.values[0]
	not has_mark(value)
} else := {"source": source, "state": "found", "value": mark(default_of(source))} if {
	not is_present(env, lower(key_of(source)))
	not has_mark(default_of(source))
} else := {"source": source, "state": "missing", "key": key_of(source)}

# "${aws:PrincipalTag/team, 'none'}" has the key and the default.
key_of(source) := trim_space(split(trim_suffix(trim_prefix(source, "${"), "}"), ",")[0])

default_of(source) := regex.find_all_string_submatch_n(`(?s)^\$\{[^,]*,\s*'(.*)'\s*\}$`, source, 1)[0][1]
