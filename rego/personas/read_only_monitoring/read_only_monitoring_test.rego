package ecsmcp.personas.read_only_monitoring_test

import data.ecsmcp.samples

test_allowed[note] if {
	some note, access in {
		"clusters of the account": samples.unscoped("ecs:ListClusters"),
		"a service": samples.on("ecs:DescribeServices", samples.ecs("service/shop/web"), {}),
		"many tasks at once": samples.on("ecs:DescribeTasks", samples.ecs("task/shop/*"), {}),
		"a task definition, environment values included": samples.unscoped("ecs:DescribeTaskDefinition"),
		"tags": samples.on("ecs:ListTagsForResource", samples.ecs("cluster/shop"), {}),
		"images": samples.on("ecr:DescribeImages", "arn:aws:ecr:us-east-1:123456789012:repository/web", {}),
	}
	samples.bounded("read_only_monitoring", access).decision == "allowed"
}

test_denied[note] if {
	some note, access in {
		"changing a service": samples.on("ecs:UpdateService", samples.ecs("service/shop/web"), {}),
		"a shell in a container": samples.on("ecs:ExecuteCommand", samples.ecs("task/shop/1"), {}),
		"logs": samples.on("logs:GetLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:log-stream:a", {}),
		"passing a role": samples.pass("app-task", "ecs-tasks.amazonaws.com"),
		"a registry password": samples.unscoped("ecr:GetAuthorizationToken"),
	}
	samples.bounded("read_only_monitoring", access).decision == "implicitDeny"
}
