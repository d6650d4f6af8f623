package ecsmcp.guardrails.image_registry

import data.ecsmcp.iam
import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: Images from listed registries
# description: |
#   Containers run images from registries that are listed only: by default the
#   account's own Amazon ECR in its region, and Amazon ECR Public. It is off by
#   default, because which registries are trusted is each site's own choice.
# custom:
#   default: off
#   remedy: Push the image to a listed registry, or add its registry to the setting registries.
deny contains {"message": message} if {
	input.actions["ecs:registertaskdefinition"] == true
	some message in (violations | arguments.unreadable_task)
}

deny contains {"message": message} if {
	input.actions["ecs:registerdaemontaskdefinition"] == true
	some message in (violations | arguments.unreadable_task)
}

deny contains {"message": message} if {
	input.actions["ecs:createexpressgatewayservice"] == true
	some message in (violations | arguments.unreadable)
}

deny contains {"message": message} if {
	input.actions["ecs:updateexpressgatewayservice"] == true
	some message in (violations | arguments.unreadable)
}

# registries: HOST or HOST/REPOSITORY, with wildcards; {account} and {region} are
# the call's own. digest: whether an image must be named by its digest.
default settings := {
	"registries": [
		"{account}.dkr.ecr.{region}.amazonaws.com",
		"{account}.dkr.ecr.{region}.amazonaws.com.cn",
		"public.ecr.aws",
	],
	"digest": false,
}

settings := data.ecsmcp.config.personas[input.persona].guardrails.image_registry

images contains {"words": arguments.holder(m.path), "image": m.value} if {
	some m in arguments.named(arguments.image_names)
}

violations contains sprintf("%s has the image %s, which is no image name", [one.words, arguments.shown(one.image)]) if {
	some one in images
	not parts(one.image)
}

violations contains sprintf("%s has the image %s, whose registry is not listed", [one.words, arguments.shown(one.image)]) if {
	some one in images
	name := parts(one.image)
	not is_listed(name)
}

violations contains sprintf("%s has the image %s, which is not named by its digest", [one.words, arguments.shown(one.image)]) if {
	settings.digest == true
	some one in images
	parts(one.image).digest == ""
}

# parts(image): as Docker reads it: what stands before the first slash is a
# registry if it looks like a host, else the registry is Docker Hub.
parts(image) := {"registry": lower(found[1]), "repository": found[2], "digest": found[3]} if {
	is_string(image)
	found := regex.find_all_string_submatch_n(with_registry, image, 1)[0]
} else := {"registry": "docker.io", "repository": repository(found[1]), "digest": found[2]} if {
	is_string(image)
	found := regex.find_all_string_submatch_n(without_registry, image, 1)[0]
}

with_registry := concat("", [`^([A-Za-z0-9-]+(?:(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|:[0-9]+)|localhost)/`, path, tag_and_digest])

without_registry := concat("", ["^", path, tag_and_digest])

path := `([a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)`

tag_and_digest := `(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`

repository(path) := path if {
	contains(path, "/")
} else := concat("/", ["library", path])

is_listed(name) if {
	some entry in settings.registries
	[host, prefix] := halves(strings.replace_n({"{account}": input.account, "{region}": input.region}, entry))
	iam.glob_matches(lower(host), name.registry)
	begins(prefix, name.repository)
}

halves(entry) := [substring(entry, 0, indexof(entry, "/")), trim_suffix(substring(entry, indexof(entry, "/") + 1, -1), "/")] if {
	contains(entry, "/")
} else := [entry, ""]

begins("", _)

begins(prefix, text) if iam.glob_matches(prefix, text)

begins(prefix, text) if iam.glob_matches(concat("", [prefix, "/*"]), text)
