package ecsmcp.guardrails.plain_secrets

import data.ecsmcp.iam
import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: No secrets in plain text
# description: |
#   A secret in a task definition or an override can be read by everybody who may
#   describe it, for ever. Refused are keys that are known by their form (of AWS,
#   GitHub, GitLab, Slack, Stripe, and private keys), anywhere in the arguments,
#   and values of environment variables whose name the setting names lists.
# custom:
#   remedy: Put it into AWS Secrets Manager or Parameter Store, and name that under secrets.
deny contains {"message": message} if {
	input.call.write == true
	some action in {
		"ecs:registertaskdefinition", "ecs:registerdaemontaskdefinition", "ecs:runtask", "ecs:starttask",
		"ecs:createexpressgatewayservice", "ecs:updateexpressgatewayservice",
	}
	input.actions[action] == true
	some message in violations
}

# names: of environment variables, with wildcards, compared without case.
default settings := {"names": ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ECS_ENGINE_AUTH_DATA"]}

settings := data.ecsmcp.config.personas[input.persona].guardrails.plain_secrets

# Messages name the place and never the value.
violations contains sprintf("%s looks like %s", [arguments.place(path), kind]) if {
	walk(arguments.given, [path, value])
	is_string(value)
	some kind, form in forms
	regex.match(form, value)
}

forms := {
	"an AWS access key": `(^|[^A-Z0-9])A(KIA|SIA)[A-Z2-7]{16}([^A-Z0-9]|$)`,
	"a private key": `-----BEGIN [A-Z ]*PRIVATE KEY`,
	"a GitHub token": `(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})`,
	"a GitLab token": `glpat-[A-Za-z0-9_-]{20}`,
	"a Slack token": `xox[abeoprs]-[A-Za-z0-9-]{10}`,
	"a Stripe key": `[rs]k_live_[A-Za-z0-9]{16}`,
}

violations contains sprintf("%s gives the variable %s in plain text", [variable.words, arguments.shown(variable.name)]) if {
	some variable in variables
	variable.value != ""
	not startswith(variable.value, "arn:")
	some pattern in settings.names
	iam.glob_matches(upper(pattern), upper(variable.name))
}

environments := arguments.named({"environment", "environmentvariables", "env"})

# As the ECS API has it, a list of name and value, or an object.
variables contains {"words": arguments.holder(m.path), "name": sprintf("%v", [one.name]), "value": sprintf("%v", [one.value])} if {
	some m in environments
	is_array(m.value)
	some one in m.value
}

variables contains {"words": arguments.holder(m.path), "name": name, "value": sprintf("%v", [value])} if {
	some m in environments
	is_object(m.value)
	some name, value in m.value
}

violations contains sprintf("%s must be a list of names and values", [arguments.place(m.path)]) if {
	some m in environments
	not is_object(m.value)
	not arguments.is_list_of_objects(m.value)
}

violations contains message if some message in arguments.unreadable
