package ecsmcp.guardrails.plain_secrets_test

import data.ecsmcp.guardrails.plain_secrets

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"plain_secrets": settings}}}

task(environment) := {"containerDefinitions": [{"name": "web", "image": "nginx", "environment": environment}]}

test_denied[note] if {
	some note, given in {
		"a secret key by its name": task([{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]),
		"by its name in another case": task([{"name": "aws_secret_access_key", "value": "x"}]),
		"by its name in an object": {"image": "nginx", "environment": {"AWS_SESSION_TOKEN": "x"}},
		"an access key": task([{"name": "A", "value": "AKIAIOSFODNN7EXAMPLE"}]),
		"a private key": task([{"name": "A", "value": "-----BEGIN RSA PRIVATE KEY-----\nMIIE"}]),
		"a token of GitHub": task([{"name": "A", "value": concat("", ["ghp_", "0123456789", "0123456789", "0123456789", "abcdef"])}]),
		"a token in a command": {"containerDefinitions": [{"image": "nginx", "command": ["login", concat("-", ["glpat", "0123456789abcdefghij"])]}]},
		"a token in a label": {"containerDefinitions": [{"image": "nginx", "dockerLabels": {"hook": concat("-", ["xoxb", "0123456789-abc"])}}]},
		"an environment that cannot be read": {"environment": "A=B"},
		"entries that cannot be read": {"environment": ["A=B"]},
		"a document as text": "{}",
	}
	count(plain_secrets.deny) > 0 with input as ask("ecs:RegisterTaskDefinition", given)
	count(plain_secrets.deny) > 0 with input as ask("ecs:RunTask", given)
}

test_allowed[note] if {
	some note, given in {
		"other variables": task([{"name": "LOG_LEVEL", "value": "info"}]),
		"no value": task([{"name": "AWS_SECRET_ACCESS_KEY", "value": ""}]),
		"a reference": task([{"name": "AWS_SESSION_TOKEN", "value": "arn:aws:secretsmanager:us-east-1:1:secret:s"}]),
		"a secret where secrets belong": {"containerDefinitions": [{"image": "nginx", "secrets": [{"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": "arn:aws:ssm:us-east-1:1:parameter/p"}]}]},
		"a hash": task([{"name": "SHA", "value": "0123456789abcdef0123456789abcdef01234567"}]),
	}
	count(plain_secrets.deny) == 0 with input as ask("ecs:RegisterTaskDefinition", given)
}

test_the_message_holds_no_secret if {
	{"container \"web\" gives the variable \"AWS_SECRET_ACCESS_KEY\" in plain text"} == {r.message | some r in plain_secrets.deny} with input as ask("ecs:RegisterTaskDefinition", task([{"name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2"}]))
}

test_other_calls_are_not_read if count(plain_secrets.deny) == 0 with input as ask("ecs:UpdateService", task([{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]))

test_names_are_a_setting if {
	count(plain_secrets.deny) == 1 with input as ask("ecs:RegisterTaskDefinition", task([{"name": "DB_PASSWORD", "value": "hunter2"}]))
		with data.ecsmcp.config.personas as with_settings({"names": ["*password*"]})
}
