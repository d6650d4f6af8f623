package ecsmcp.guardrails.account_settings_test

import data.ecsmcp.guardrails.account_settings

ask(action, context) := {
	"persona": "p", "call": {"write": true}, "actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "*", "unscopable": true, "context": context}],
}

test_denied[action] if {
	some action in ["ecs:PutAccountSetting", "ecs:PutAccountSettingDefault", "ecs:DeleteAccountSetting"]
	count(account_settings.deny) == 1 with input as ask(action, {"ecs:account-setting": "containerInsights"})
}

test_reading_is_allowed if count(account_settings.deny) == 0 with input as ask("ecs:ListAccountSettings", {})

test_names_are_a_setting[note] if {
	some note, tc in {
		"a listed one": [0, {"ecs:account-setting": "containerInsights"}],
		"another": [1, {"ecs:account-setting": "fargateFIPSMode"}],
		"nobody knows which": [1, {}],
		"none": [1, {"ecs:account-setting": []}],
	}
	tc[0] == count(account_settings.deny) with input as ask("ecs:PutAccountSetting", tc[1])
		with data.ecsmcp.config.personas as {"p": {"guardrails": {"account_settings": {"names": ["containerInsights"]}}}}
}
