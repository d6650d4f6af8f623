package ecsmcp.guardrails.tag_escalation

import data.ecsmcp.iam

# METADATA
# scope: document
# title: Tags that protection relies on
# description: |
#   Policies tell production from the rest by tags. Whoever may change such a tag
#   may untag a production resource first and delete it next; so these tags are
#   not for callers to change, whatever their persona allows. A new resource may
#   carry them, in the spelling that the policies use: IAM does not tell
#   "environment" from "Environment", and two of them make a tag that nobody
#   can rely on.
# custom:
#   remedy: Let a person change this tag outside the proxy, or leave it as it is.
deny contains {"message": message} if {
	input.call.write == true
	is_about_tags
	some access in input.accesses
	some message in violations(access)
}

# Of a call for other actions, on what exists, there is nothing to say.
is_about_tags if {
	some action, _ in input.actions
	regex.match(tagging, action)
}

is_about_tags if {
	some access in input.accesses
	access.creates
}

# tags: further keys to protect.
default settings := {"tags": []}

settings := data.ecsmcp.config.personas[input.persona].guardrails.tag_escalation

# The keys that policies look at: those of the loaded documents, which the proxy
# sets as data.ecsmcp.config.protected_tags, and those of the guardrail
# production, of every persona, since what one may change protects another.
protected contains tag if some tag in data.ecsmcp.config.protected_tags

protected contains "Environment" if not data.ecsmcp.config.protected_tags

protected contains tag if some tag in settings.tags

protected contains persona.guardrails.production.tag if some persona in data.ecsmcp.config.personas

violations(access) := ({sprintf("%s would change the tag %q of an existing resource, and policy relies on it", [access.action, tag]) |
	changes_tags(access)
	not is_new(access)
	some tag in tags(access)
	is_protected(tag)
} | {sprintf("%s would set the tag %q, which is policy's %q in another spelling", [access.action, tag, key]) |
	is_new(access)
	some tag in tags(access)
	some key in protected
	lower(key) == lower(tag)
	key != tag
}) | {sprintf("%s would change tags of an existing resource, and which ones cannot be told", [access.action]) |
	changes_tags(access)
	not is_new(access)
	is_unclear(access)
}

# TagResource, UntagLogGroup, CreateTags, AddTagsToResource, …: services call it so.
tagging := `:(un)?tag|:(create|delete|add|remove)tags`

changes_tags(access) if regex.match(tagging, lower(access.action))

is_new(access) if access.creates

is_protected(tag) if {
	some key in protected
	lower(key) == lower(tag)
}

# Which tags a request names is known twice: from aws:TagKeys, and from the
# aws:RequestTag keys where it sets values.
tags(access) := {tag |
	some name, value in access.context
	lower(name) == "aws:tagkeys"
	some tag in value
} | {substring(name, count("aws:RequestTag/"), -1) |
	some name, _ in access.context
	startswith(lower(name), "aws:requesttag/")
}

is_unclear(access) if count(tags(access)) == 0

is_unclear(access) if iam.is_unknown(iam.environment(access), "aws:tagkeys")
