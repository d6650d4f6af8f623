# METADATA
# title: Traps
# description: |
#   Where the example IAM policies of the ECS MCP Server do not do what they seem
#   to do. Each test shows first what AWS makes of the example, then what becomes
#   of it here. docs/policy.md lists them by these names.
package ecsmcp.traps_test

import data.ecsmcp.iam
import data.ecsmcp.samples

# example(name): an example as its reader would fill it in.
example(name) := {"name": name, "document": json.unmarshal(strings.replace_n(
	{"REGION": "us-east-1", "ACCOUNT_ID": "123456789012", "CLUSTER_NAME": "shop", "SERVICE_NAME": "web"},
	json.marshal(data.traps.examples[name]),
))}

# The example boundary as it was meant: with something that allows the rest.
boundary := [example("boundary"), samples.everything]

# by_example(name, access): the verdict under the example and the meant boundary.
by_example(name, access) := iam.results({"identity": [example(name)], "boundary": boundary}, [access])[0].decision

# here(folder, access): the verdict under our document and the shipped boundary.
here(folder, access) := samples.bounded(folder, access).decision

web := samples.ecs("service/shop/web")

shop := {"ecs:cluster": samples.ecs("cluster/shop")}

tagged(action, resource, value) := samples.on(action, resource, {"aws:ResourceTag/Environment": value})

elsewhere(action, resource) := {"action": action, "resource": resource, "context": {"aws:RequestedRegion": "eu-west-1"}}

test_trap_1_a_boundary_of_denies_allows_nothing if {
	access := tagged("ecs:DeleteService", web, "staging")
	r := iam.results({"identity": [example("deployment")], "boundary": [example("boundary")]}, [access])[0]
	r.decision == "implicitDeny"
	r.layer == "boundary"
	here("deployment", access) == "allowed"
}

# The action has no resource and carries no tag: the Deny never fires.
test_trap_2_deregistering_a_task_definition_shows_no_tag if {
	access := samples.unscoped("ecs:DeregisterTaskDefinition")
	by_example("deployment", access) == "allowed"
	here("deployment", access) == "allowed"
}

test_trap_3_protection_misses_other_ways_to_delete[action] if {
	some action, resource in {
		"ecs:DeleteTaskDefinitions": samples.ecs("task-definition/web:7"),
		"ecs:DeleteExpressGatewayService": web,
		"ecs:DeleteTaskSet": samples.ecs("task-set/shop/web/1"),
		"ecs:DeleteCapacityProvider": samples.ecs("capacity-provider/spot"),
	}
	access := tagged(action, resource, "production")
	by_example("deployment", access) == "allowed"
	here("deployment", access) == "explicitDeny"
}

# IAM has no words for a desired count, nor for which tag may change: guardrails.
test_trap_3_protection_misses_what_only_guardrails_can_refuse[action] if {
	some action, resource in {
		"ecs:UpdateService": web,
		"ecs:StopTask": samples.ecs("task/shop/1"),
		"ecs:UpdateCluster": samples.ecs("cluster/shop"),
		"ecs:UntagResource": web,
		"ecs:TagResource": web,
		"cloudformation:DeleteStack": "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/1",
	}
	access := tagged(action, resource, "production")
	by_example("deployment", access) == "allowed"
	here("deployment", access) == "allowed"
}

test_trap_4_the_region_is_restricted_for_ecs_only[action] if {
	some action, resource in {
		"ecr:DeleteRepository": "arn:aws:ecr:eu-west-1:123456789012:repository/web",
		"cloudformation:DeleteStack": "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
		"elasticloadbalancing:DeleteLoadBalancer": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1",
		"logs:CreateLogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/web",
	}
	by_example("deployment", elsewhere(action, resource)) == "allowed"
	here("deployment", elsewhere(action, resource)) == "explicitDeny"
}

test_trap_4_ecs_itself_was_restricted if {
	by_example("deployment", elsewhere("ecs:DeleteCluster", samples.ecs("cluster/shop"))) == "explicitDeny"
}

test_trap_5_like_without_a_wildcard_minds_the_case[value] if {
	some value in ["Production", "PRODUCTION", "prod", "Prod"]
	access := tagged("ecs:DeleteService", web, value)
	by_example("deployment", access) == "allowed"
	here("deployment", access) == "explicitDeny"
}

test_trap_5_a_blank_at_the_end_is_another_value if {
	access := tagged("ecs:DeleteService", web, "production ")
	by_example("deployment", access) == "allowed"
	here("deployment", access) == "allowed"
}

test_trap_5_the_tag_key_does_not_mind_the_case if {
	access := samples.on("ecs:DeleteService", web, {"aws:ResourceTag/environment": "production"})
	by_example("deployment", access) == "explicitDeny"
	here("deployment", access) == "explicitDeny"
}

test_trap_6_there_is_no_service_ecs_dev[action] if {
	some action in [
		"ecs:CreateExpressGatewayService", "ecs:UpdateExpressGatewayService",
		"ecs:DeleteExpressGatewayService", "ecs:DescribeExpressGatewayService",
	]
	access := samples.on(action, web, {})
	by_example("express-mode", access) == "implicitDeny"
	here("express_mode", access) == "allowed"
}

test_trap_7_describing_a_task_definition_has_no_resource if {
	access := samples.unscoped("ecs:DescribeTaskDefinition")
	by_example("service-specific", access) == "implicitDeny"
	here("service_specific", access) == "allowed"
}

test_trap_8_lists_have_other_resources[action] if {
	some action, access in {
		"ecs:ListServices": object.union(samples.unscoped("ecs:ListServices"), {"context": object.union(shop, {"aws:RequestedRegion": "us-east-1"})}),
		"ecs:ListTasks": samples.on("ecs:ListTasks", samples.ecs("container-instance/shop/*"), shop),
	}
	by_example("service-specific", access) == "implicitDeny"
	here("service_specific", access) == "allowed"
}

test_trap_9_starting_a_task_is_about_its_definition if {
	access := samples.on("ecs:StartTask", samples.ecs("task-definition/web:7"), shop)
	by_example("service-specific", access) == "implicitDeny"
	here("service_specific", access) == "allowed"
}

test_trap_9_a_condition_on_the_cluster_needs_the_cluster if {
	by_example("service-specific", samples.on("ecs:UpdateService", web, {})) == "implicitDeny"
	by_example("service-specific", samples.on("ecs:UpdateService", web, shop)) == "allowed"
	here("service_specific", samples.on("ecs:UpdateService", web, {})) == "allowed"
}

test_trap_9_stopping_a_task_was_granted if {
	access := samples.on("ecs:StopTask", samples.ecs("task/shop/1"), shop)
	by_example("service-specific", access) == "allowed"
	here("service_specific", access) == "allowed"
}

test_trap_10_a_log_group_is_not_its_streams if {
	group := "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web"
	by_example("service-specific", samples.on("logs:GetLogEvents", concat("", [group, ":log-stream:a"]), {})) == "allowed"
	by_example("service-specific", samples.on("logs:FilterLogEvents", group, {})) == "implicitDeny"
	here("service_specific", samples.on("logs:FilterLogEvents", group, {})) == "allowed"
}

test_trap_11_a_role_is_passed_to_any_service[service] if {
	some service in ["ec2.amazonaws.com", "lambda.amazonaws.com", "glue.amazonaws.com"]
	access := samples.pass("ecsTaskExecutionRole", service)
	by_example("express-mode", access) == "allowed"
	here("express_mode", access) == "implicitDeny"
}

test_trap_11_a_star_crosses_the_slashes_of_a_role if {
	access := samples.on("iam:AttachRolePolicy", samples.role("ecr-x/admin"), {})
	by_example("express-mode", access) == "allowed"
	here("express_mode", access) == "implicitDeny"
}

test_trap_11_the_role_of_the_server_ends_in_ecr_role if {
	access := samples.on("iam:CreateRole", samples.role("web-ecr-role"), {})
	by_example("express-mode", access) == "implicitDeny"
	here("express_mode", access) == "allowed"
}

test_trap_11_any_account_is_no_account if {
	access := samples.on("iam:AttachRolePolicy", "arn:aws:iam::999999999999:role/ecsTaskExecutionRole", {})
	by_example("express-mode", access) == "allowed"
	here("express_mode", access) == "implicitDeny"
}

test_trap_12_whoever_gives_a_role_a_policy_has_that_policy[action] if {
	some action in ["iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"]
	access := samples.on(action, samples.role("admin"), {})
	by_example("deployment", access) == "allowed"
	here("deployment", access) == "implicitDeny"
}

test_trap_12_and_hands_it_to_a_task if {
	access := samples.pass("admin", "ecs-tasks.amazonaws.com")
	by_example("deployment", access) == "allowed"
	here("deployment", access) == "implicitDeny"
}

test_trap_13_a_placeholder_that_is_left_never_matches if {
	raw := {"name": "raw", "document": data.traps.examples["service-specific"]}
	access := samples.on("ecs:DescribeServices", web, {})
	iam.results({"identity": [raw]}, [access])[0].decision == "implicitDeny"
	by_example("service-specific", access) == "allowed"
}

# A union of all five is the widest of them: they are five jobs.
test_trap_14_the_examples_are_no_union if {
	access := samples.on("iam:PutRolePolicy", samples.role("admin"), {})
	all := [example(name) | some name in ["read-only-monitoring", "troubleshooting", "deployment", "service-specific", "express-mode"]]
	iam.results({"identity": all, "boundary": boundary}, [access])[0].decision == "allowed"
	every folder in ["read_only_monitoring", "troubleshooting", "deployment", "service_specific", "express_mode"] {
		here(folder, access) == "implicitDeny"
	}
}

test_trap_15_the_troubleshooting_tool_asks_for_more[action] if {
	some action in [
		"ecs:ListTagsForResource", "ecs:ListTaskDefinitionFamilies", "cloudformation:ListStackResources",
		"ec2:DescribeRouteTables", "ec2:DescribeNatGateways", "ec2:DescribeInternetGateways",
	]
	by_example("troubleshooting", samples.unscoped(action)) == "implicitDeny"
	here("troubleshooting", samples.unscoped(action)) == "allowed"
}
