package ecsmcp.guardrails.image_registry_test

import data.ecsmcp.guardrails.image_registry

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"image_registry": settings}}}

task(image) := {"family": "web", "containerDefinitions": [{"name": "web", "image": image}]}

digest := "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

test_allowed[image] if {
	some image in [
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/web",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/web:v1",
		concat("", ["123456789012.dkr.ecr.us-east-1.amazonaws.com/web:v1", digest]),
		"public.ecr.aws/docker/library/nginx:1",
	]
	every action in ["ecs:RegisterTaskDefinition", "ecs:RegisterDaemonTaskDefinition"] {
		count(image_registry.deny) == 0 with input as ask(action, task(image))
	}
	every action in ["ecs:CreateExpressGatewayService", "ecs:UpdateExpressGatewayService"] {
		count(image_registry.deny) == 0 with input as ask(action, {"primaryContainer": {"image": image}})
	}
}

test_denied[image] if {
	some image in [
		"nginx",
		"evil/web:1",
		"docker.io/library/nginx",
		"999999999999.dkr.ecr.us-east-1.amazonaws.com/web",
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example/web",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com:443/web",
		"evil.example/public.ecr.aws/web",
		"public.ecr.aws@evil.example/web",
		"https://public.ecr.aws/web",
		"public.ecr.aws/web ",
		"localhost/web",
		"localhost:5000/web",
		"",
		["public.ecr.aws/web"],
	]
	every action in ["ecs:RegisterTaskDefinition", "ecs:RegisterDaemonTaskDefinition"] {
		count(image_registry.deny) > 0 with input as ask(action, task(image))
	}
	every action in ["ecs:CreateExpressGatewayService", "ecs:UpdateExpressGatewayService"] {
		count(image_registry.deny) > 0 with input as ask(action, {"primaryContainer": {"image": image}})
	}
}

test_one_of_several_is_denied if {
	{"container \"b\" has the image \"nginx\", whose registry is not listed"} == {r.message | some r in image_registry.deny} with input as ask(
		"ecs:RegisterTaskDefinition",
		{"containerDefinitions": [{"name": "a", "image": "public.ecr.aws/a"}, {"name": "b", "image": "nginx"}]},
	)
}

test_an_update_may_leave_the_image if count(image_registry.deny) == 0 with input as ask("ecs:UpdateExpressGatewayService", {"cpu": "512"})

test_other_calls_are_not_read if count(image_registry.deny) == 0 with input as ask("ecs:RunTask", task("nginx"))

test_settings[note] if {
	some note, tc in {
		"a repository": [0, ["docker.io/library/nginx"], false, "nginx:1"],
		"below a repository": [0, ["ghcr.io/team/"], false, "ghcr.io/team/web"],
		"another repository": [1, ["ghcr.io/team"], false, "ghcr.io/teams/web"],
		"a host with a wildcard": [0, ["*.example.com"], false, "a.example.com/web"],
		"a wildcard does not leave the host": [1, ["*.example.com"], false, "evil.net/x.example.com/web"],
		"a port": [0, ["localhost:5000"], false, "localhost:5000/web"],
		"a digest": [0, ["docker.io"], true, concat("", ["nginx", digest])],
		"no digest": [1, ["docker.io"], true, "nginx:1"],
		"no registry": [1, [], false, "nginx:1"],
	}
	tc[0] == count(image_registry.deny) with input as ask("ecs:RegisterTaskDefinition", task(tc[3]))
		with data.ecsmcp.config.personas as with_settings({"registries": tc[1], "digest": tc[2]})
}
