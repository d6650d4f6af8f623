package ecsmcp.personas.troubleshooting_test

import data.ecsmcp.samples

test_samples[name] if {
	some name, case in samples.cases("troubleshooting")
	samples.keeps(case)
}

# What each action of the troubleshooting tool asks of AWS.
tool := {
	"get_ecs_troubleshooting_guidance": [
		"ecs:DescribeClusters", "ecs:DescribeServices", "ecs:ListTagsForResource", "cloudformation:DescribeStacks",
		"ecs:DescribeTaskDefinition", "elasticloadbalancing:DescribeTargetGroups",
		"elasticloadbalancing:DescribeLoadBalancers", "ecr:DescribeRepositories", "ecr:DescribeImages",
	],
	"fetch_cloudformation_status": ["cloudformation:DescribeStacks", "cloudformation:ListStackResources", "cloudformation:DescribeStackEvents"],
	"fetch_service_events": [
		"ecs:DescribeServices", "elasticloadbalancing:DescribeTargetHealth",
		"elasticloadbalancing:DescribeTargetGroups",
	],
	"fetch_task_failures": ["ecs:DescribeClusters", "ecs:ListTasks", "ecs:DescribeTasks"],
	"fetch_task_logs": ["logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:GetLogEvents"],
	"detect_image_pull_failures": [
		"ecs:DescribeServices", "ecs:DescribeTasks", "cloudformation:ListStackResources",
		"ecs:ListTaskDefinitionFamilies", "ecs:ListTaskDefinitions", "ecs:DescribeTaskDefinition",
		"ecr:DescribeRepositories", "ecr:DescribeImages",
	],
	"fetch_network_configuration": [
		"ecs:ListTasks", "ecs:DescribeTasks", "cloudformation:ListStacks", "cloudformation:ListStackResources",
		"ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeRouteTables",
		"ec2:DescribeNetworkInterfaces", "ec2:DescribeNatGateways", "ec2:DescribeInternetGateways",
		"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetGroups",
		"elasticloadbalancing:DescribeTargetHealth",
	],
}

test_every_action_of_the_tool_works[action] if {
	some action, needed in tool
	every one in needed {
		samples.bounded("troubleshooting", samples.unscoped(one)).decision == "allowed"
	}
}
