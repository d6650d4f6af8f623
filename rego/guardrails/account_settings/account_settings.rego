package ecsmcp.guardrails.account_settings

import data.ecsmcp.iam

# METADATA
# scope: document
# title: Settings of the account stay
# description: |
#   The ECS settings of the account are everybody's: they switch off monitoring,
#   encryption in transit or tagging for all who come after.
# custom:
#   remedy: Let a person change it outside the proxy, or add it to the setting names.
deny contains {"message": sprintf("%s would change a setting of the account", [access.action])} if {
	input.call.write == true
	some action in {"ecs:putaccountsetting", "ecs:putaccountsettingdefault", "ecs:deleteaccountsetting"}
	input.actions[action] == true
	some access in input.accesses
	lower(access.action) == action
	not is_open(access)
}

# names: the settings that may be changed, such as containerInsights.
default settings := {"names": []}

settings := data.ecsmcp.config.personas[input.persona].guardrails.account_settings

is_open(access) if {
	names := iam.environment(access).keys["ecs:account-setting"].values
	count(names) > 0
	every name in names {
		name in settings.names
	}
}
