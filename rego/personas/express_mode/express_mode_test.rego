package ecsmcp.personas.express_mode_test

import data.ecsmcp.samples

test_allowed[note] if {
	some note, access in {
		"who it is": samples.unscoped("sts:GetCallerIdentity"),
		"creating an Express service": samples.on("ecs:CreateExpressGatewayService", samples.ecs("service/default/web"), {}),
		"deleting one that is not production": samples.on("ecs:DeleteExpressGatewayService", samples.ecs("service/default/web"), {}),
		"describing one": samples.on("ecs:DescribeExpressGatewayService", samples.ecs("service/default/web"), {}),
		"passing the execution role to tasks": samples.pass("ecsTaskExecutionRole", "ecs-tasks.amazonaws.com"),
		"passing the infrastructure role to ECS": samples.pass("ecsInfrastructureRoleForExpressServices", "ecs.amazonaws.com"),
		"looking up a role": samples.on("iam:GetRole", samples.role("ecsTaskExecutionRole"), {}),
		"the role that pushes an application's image": samples.on("sts:AssumeRole", samples.role("web-ecr-role"), {}),
		"images": samples.on("ecr:DescribeImages", "arn:aws:ecr:us-east-1:123456789012:repository/web-repo", {}),
	}
	samples.bounded("express_mode", access).decision == "allowed"
}

test_denied[note] if {
	some note, access in {
		"passing the execution role to EC2": samples.pass("ecsTaskExecutionRole", "ec2.amazonaws.com"),
		"passing the infrastructure role to tasks": samples.pass("ecsInfrastructureRoleForExpressServices", "ecs-tasks.amazonaws.com"),
		"passing the image role": samples.pass("web-ecr-role", "ecs-tasks.amazonaws.com"),
		"passing another role": samples.pass("admin", "ecs-tasks.amazonaws.com"),
		"a role whose path looks right": samples.on("iam:AttachRolePolicy", samples.role("ecr-x/admin"), {}),
		"becoming another role": samples.on("sts:AssumeRole", samples.role("admin"), {}),
		"an ordinary service": samples.on("ecs:CreateService", samples.ecs("service/default/web"), {}),
		"a shell in a container": samples.on("ecs:ExecuteCommand", samples.ecs("task/default/1"), {}),
	}
	samples.bounded("express_mode", access).decision == "implicitDeny"
}

test_production_express_service_is_protected if {
	access := samples.on("ecs:DeleteExpressGatewayService", samples.ecs("service/default/web"), {"aws:ResourceTag/Environment": "production"})
	samples.bounded("express_mode", access).statements == ["region-and-production/ProductionProtection"]
}
