package ecsmcp.iam_test

import data.ecsmcp.iam

service_environment := iam.environment({
	"action": "ecs:DeleteService",
	"resource": "arn:aws:ecs:us-east-1:1:service/shop/web",
	"context": {"aws:PrincipalTag/team": "web"},
	"unknown": ["aws:SourceIp"],
})

test_action_is_named[note] if {
	some note, statement in {
		"exactly": {"Action": "ecs:DeleteService"},
		"in a list": {"Action": ["ecs:DescribeServices", "ecs:DeleteService"]},
		"in another case": {"Action": "ECS:deleteservice"},
		"by a wildcard": {"Action": "ecs:De*Service"},
		"by a question mark": {"Action": "ecs:?eleteService"},
		"by the service": {"Action": "ecs:*"},
		"by everything": {"Action": "*"},
		"by NotAction of another": {"NotAction": ["ecs:CreateService", "iam:*"]},
	}
	iam.names_action(statement, service_environment.action)
}

test_action_is_not_named[note] if {
	some note, statement in {
		"another action": {"Action": "ecs:DeleteCluster"},
		"another service": {"Action": "ecr:*"},
		"a service that ends alike": {"Action": "xecs:DeleteService"},
		"a service with a wildcard": {"Action": "ec?:DeleteService"},
		"by NotAction of it": {"NotAction": ["ecs:DeleteService", "iam:*"]},
		"by NotAction of the service": {"NotAction": "ecs:*"},
	}
	not iam.names_action(statement, service_environment.action)
}

unknowns_of(statement) := iam.resource_unknowns(statement, "2012-10-17", service_environment)

test_resource_is_named[note] if {
	some note, statement in {
		"exactly": {"Resource": "arn:aws:ecs:us-east-1:1:service/shop/web"},
		"in a list": {"Resource": ["arn:aws:ecs:us-east-1:1:service/shop/api", "arn:aws:ecs:*:1:service/shop/*"]},
		"by a variable": {"Resource": "arn:aws:ecs:us-east-1:1:service/shop/${aws:PrincipalTag/team}"},
		"by NotResource of another": {"NotResource": "arn:aws:ecs:us-east-1:1:service/other/*"},
		"by NotResource of a variable without a value": {"NotResource": "arn:aws:ecs:us-east-1:1:service/shop/${aws:PrincipalTag/none}"},
	}
	unknowns_of(object.union({"Effect": "Allow"}, statement)) == set()
}

test_resource_is_not_named[note] if {
	some note, statement in {
		"another": {"Resource": "arn:aws:ecs:us-east-1:1:service/shop/api"},
		"by a variable without a value": {"Resource": "arn:aws:ecs:us-east-1:1:service/shop/${aws:PrincipalTag/none}"},
		"by NotResource of it": {"NotResource": "arn:aws:ecs:us-east-1:1:service/shop/*"},
		"without any resource": {},
	}
	not unknowns_of(object.union({"Effect": "Allow"}, statement))
}

test_resource_depends_on_an_unknown_key[note] if {
	some note, statement in {
		"in Resource": {"Resource": "arn:aws:ecs:us-east-1:1:service/shop/${aws:SourceIp}"},
		"in NotResource": {"NotResource": "arn:aws:ecs:us-east-1:1:service/shop/${aws:SourceIp}"},
	}
	unknowns_of(object.union({"Effect": "Allow"}, statement)) == {"aws:SourceIp"}
}

test_variable_without_a_value_is_no_literal_text if {
	text := "arn:aws:ecs:us-east-1:1:service/shop/${aws:PrincipalTag/none}"
	env := iam.environment({"action": "ecs:DeleteService", "resource": text})
	not iam.resource_unknowns({"Effect": "Allow", "Resource": text}, "2012-10-17", env)
}

wide(effect, statement) := iam.resource_unknowns(
	object.union({"Effect": effect}, statement), "2012-10-17",
	iam.environment({"action": "ecs:DescribeTasks", "resource": "arn:aws:ecs:r:1:task/shop/*"}),
)

one := "arn:aws:ecs:r:1:task/shop/a"

all_of_it := "arn:aws:ecs:r:1:task/*"

test_deny_meets_a_wide_resource_in_part if wide("Deny", {"Resource": one})

test_allow_must_cover_a_wide_resource if {
	wide("Allow", {"Resource": all_of_it})
	not wide("Allow", {"Resource": one})
}

test_deny_spares_a_wide_resource_only_whole if {
	wide("Deny", {"NotResource": one})
	not wide("Deny", {"NotResource": all_of_it})
}

test_allow_spares_a_wide_resource_in_part if not wide("Allow", {"NotResource": one})

test_star_that_could_have_been_scoped_is_wide if {
	iam.environment({"action": "ecs:DeleteService", "resource": "*"}).wide
	not iam.environment({"action": "ecs:ListServices", "resource": "*", "unscopable": true}).wide
}

test_anything_but_an_allow_denies[note] if {
	some note, statement in {"Deny": {"Effect": "Deny"}, "typo": {"Effect": "allow"}, "missing": {}}
	iam.is_deny(statement)
}

# A principal tagged team=* may use what is named "*", not every task.
test_literal_star_of_a_variable_does_not_cover_a_wide_resource if {
	env := iam.environment({
		"action": "ecs:DescribeTasks",
		"resource": "arn:aws:ecs:r:1:task/shop/*",
		"context": {"aws:PrincipalTag/team": "*"},
	})
	tail := "arn:aws:ecs:r:1:task/shop/${aws:PrincipalTag/team}"
	not iam.resource_unknowns({"Effect": "Allow", "Resource": tail}, "2012-10-17", env)
	iam.resource_unknowns({"Effect": "Deny", "NotResource": tail}, "2012-10-17", env) == set()
}

test_colon_of_a_variable_does_not_keep_a_pattern_from_covering if {
	env := iam.environment({
		"action": "logs:GetLogEvents",
		"resource": "arn:aws:logs:r:1:log-group:a:b:*",
		"context": {"aws:PrincipalTag/odd": "a:b"},
	})
	iam.resource_unknowns({"Effect": "Allow", "Resource": "arn:aws:logs:r:1:log-group:${aws:PrincipalTag/odd}:*"}, "2012-10-17", env) == set()
}

# A resource that only stands for what it will be: what names all of it names it,
# and what names part of it may.
unsettled(effect, statement) := iam.resource_unknowns(
	object.union({"Effect": effect}, statement),
	"2012-10-17",
	iam.environment({"action": "iam:PassRole", "resource": "arn:aws:iam::1:role/*", "unknown": ["ecs-mcp-proxy:Resource/TaskRole"]}),
)

test_unsettled_resource[note] if {
	told := {"ecs-mcp-proxy:Resource/TaskRole"}
	some note, tc in {
		"an Allow of all": ["Allow", {"Resource": "arn:aws:iam::1:role/*"}, set()],
		"an Allow of part": ["Allow", {"Resource": "arn:aws:iam::1:role/app"}, told],
		"a Deny of all": ["Deny", {"Resource": "*"}, set()],
		"a Deny of part": ["Deny", {"Resource": "arn:aws:iam::1:role/app"}, told],
		"an Allow of all but part": ["Allow", {"NotResource": "arn:aws:iam::1:role/app"}, told],
		"a Deny of all but part": ["Deny", {"NotResource": "arn:aws:iam::1:role/app"}, told],
		"a Deny of all but another's": ["Deny", {"NotResource": "arn:aws:iam::2:role/app"}, set()],
		"a part and the whole": ["Deny", {"Resource": ["arn:aws:iam::1:role/app", "arn:aws:iam::1:*"]}, set()],
	}
	unsettled(tc[0], tc[1]) == tc[2]
}

test_unsettled_resource_that_is_not_named[note] if {
	some note, tc in {
		"an Allow of another's": ["Allow", {"Resource": "arn:aws:iam::2:role/app"}],
		"an Allow of all but all": ["Allow", {"NotResource": "arn:aws:iam::1:role/*"}],
		"a Deny of all but all": ["Deny", {"NotResource": "arn:aws:iam::1:role/*"}],
	}
	not unsettled(tc[0], tc[1])
}

test_only_a_whole_name_of_a_wide_resource_is_unsettled if {
	every access in [
		{"action": "ecs:RunTask", "resource": "arn:aws:ecs:r:1:task-definition/web:*", "unknown": ["*", "ecs-mcp-proxy:Resource/*"]},
		{"action": "ecs:RunTask", "resource": "arn:aws:ecs:r:1:task-definition/web:7", "unknown": ["ecs-mcp-proxy:Resource/LatestRevision"]},
	] {
		iam.environment(access).unsettled == set()
	}
}
