package ecsmcp.lib.arguments_test

import data.ecsmcp.lib.arguments

named(given, names) := {m.value | some m in arguments.named(names) with input as {"call": {"arguments": given}}}

test_a_name_is_found[note] if {
	some note, given in {
		"at the top": {"desiredCount": 0},
		"in the API's parameters": {"api_params": {"desiredCount": 0}},
		"in another wrapper": {"request": {"service": {"desiredCount": 0}}},
		"in a list": {"services": [{"desiredCount": 0}]},
		"in snake case": {"desired_count": 0},
		"with hyphens": {"desired-count": 0},
		"in capitals": {"DesiredCount": 0},
		"in options of no log driver": {"options": {"desiredCount": 0}},
	}
	named(given, {"desiredcount"}) == {0}
}

test_a_name_is_not_found[note] if {
	some note, given in {
		"if it is null": {"desiredCount": null},
		"as a value": {"name": "desiredCount"},
		"as a Docker label": {"containerDefinitions": [{"dockerLabels": {"desiredCount": "0"}}]},
		"as a variable": {"environment": {"desiredCount": "0"}},
		"as an option of a log driver": {"logConfiguration": {"options": {"desiredCount": "0"}}},
		"as a label of a volume": {"dockerVolumeConfiguration": {"labels": {"desiredCount": "0"}}},
	}
	named(given, {"desiredcount"}) == set()
}

test_no_arguments_have_no_members if arguments.found == {"members": {}, "documents": []} with input as {"call": {}}

test_containers_are_found[note] if {
	some note, given in {
		"in a task definition": {"api_params": {"containerDefinitions": [{"name": "web", "image": "a"}]}},
		"in an Express service": {"primaryContainer": {"name": "web", "image": "a"}},
		"beside other arguments": {"name": "web", "image": "a"},
	}
	{"container \"web\""} == {c.words | some c in arguments.containers} with input as {"call": {"arguments": given}}
}

test_a_message_says_where_a_member_is[note] if {
	some note, tc in {
		"in a container": [{"containerDefinitions": [{"name": "web", "user": "0"}]}, "container \"web\""],
		"in a container without a name": [{"primaryContainer": {"user": "0"}}, "the container"],
		"elsewhere": [{"api_params": {"volumes": [{"user": "0"}]}}, "api_params.volumes[0].user"],
	}
	{tc[1]} == {arguments.holder(m.path) | some m in arguments.named({"user"})} with input as {"call": {"arguments": tc[0]}}
}

test_a_message_stays_short if {
	arguments.shown("web") == `"web"`
	arguments.shown(["a"]) == `["a"]`
	count(arguments.shown(concat("", [sprintf("%d", [i]) | some i in numbers.range(100, 200)]))) == 81
}

test_unreadable[note] if {
	some note, given in {
		"an object as text": {"api_params": "{\"family\":\"web\"}"},
		"a list as text, with space before": {"api_params": {"containerDefinitions": "\n [{}]"}},
		"text in a list": {"containers": ["{\"name\":\"web\"}"]},
		"YAML": {"task_definition": "family: web\nnetworkMode: host"},
		"containers that are no list": {"a": {"b": {"containerDefinitions": "web"}}},
		"containers that are no objects": {"a": {"b": {"containerDefinitions": ["web"]}}},
	}
	count(arguments.unreadable) > 0 with input as {"call": {"arguments": given}}
}

test_readable[note] if {
	some note, given in {
		"a task definition": {"api_params": {"family": "web", "containerDefinitions": [{"name": "web", "image": "a"}]}},
		"JSON in a variable": {"api_params": {"containerDefinitions": [{"image": "a", "environment": [{"name": "C", "value": "{\"a\":1}"}]}]}},
	}
	count(arguments.unreadable_task) == 0 with input as {"call": {"arguments": given}}
}

test_a_task_without_containers_cannot_be_judged if {
	count(arguments.unreadable_task) == 1 with input as {"call": {"arguments": {"template": "web"}}}
}

test_on[value] if {
	some value in [true, "true", "TRUE", "yes", "1", 1, "anything", {}, ["false"]]
	arguments.is_on(value)
}

test_off[value] if {
	some value in [false, "false", " False ", "disabled", "DISABLED", "", 0]
	not arguments.is_on(value)
}

test_something if {
	arguments.is_something("a")
	every value in ["", [], {}] {
		not arguments.is_something(value)
	}
}

test_numbers if {
	[arguments.as_number(1), arguments.as_number("1"), arguments.as_number(" 2.0 ")] == [1, 1, 2]
	every value in ["", "one", "1e9", "0x1", true, [1]] {
		not arguments.as_number(value)
	}
}
