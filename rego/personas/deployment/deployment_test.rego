package ecsmcp.personas.deployment_test

import data.ecsmcp.samples

web := samples.ecs("service/shop/web")

test_allowed[note] if {
	some note, access in {
		"who it is": samples.unscoped("sts:GetCallerIdentity"),
		"creating a cluster": samples.on("ecs:CreateCluster", samples.ecs("cluster/shop"), {}),
		"registering a task definition": samples.on("ecs:RegisterTaskDefinition", samples.ecs("task-definition/web:*"), {}),
		"updating a service": samples.on("ecs:UpdateService", web, {"aws:ResourceTag/Environment": "production"}),
		"deleting a staging service": samples.on("ecs:DeleteService", web, {"aws:ResourceTag/Environment": "staging"}),
		"passing a task role to ECS tasks": samples.pass("app-task", "ecs-tasks.amazonaws.com"),
		"creating one of its roles": samples.on("iam:CreateRole", samples.role("app-task"), {}),
		"a stack": samples.on("cloudformation:CreateStack", "arn:aws:cloudformation:us-east-1:123456789012:stack/a/*", {}),
	}
	samples.bounded("deployment", access).decision == "allowed"
}

test_denied[note] if {
	some note, access in {
		"passing a role to EC2": samples.pass("app-task", "ec2.amazonaws.com"),
		"passing a role to nobody knows whom": samples.on("iam:PassRole", samples.role("app-task"), {}),
		"passing a role that is not for tasks": samples.pass("admin", "ecs-tasks.amazonaws.com"),
		"passing any role": samples.pass("*", "ecs-tasks.amazonaws.com"),
		"giving a policy to another role": samples.on("iam:AttachRolePolicy", samples.role("admin"), {}),
		"a role of another account": samples.on("iam:CreateRole", "arn:aws:iam::999999999999:role/app-task", {}),
		"becoming another role": samples.on("sts:AssumeRole", samples.role("app-task"), {}),
		"a user": samples.on("iam:CreateUser", "arn:aws:iam::123456789012:user/a", {}),
		"reading logs": samples.on("logs:GetLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:a:log-stream:b", {}),
	}
	samples.bounded("deployment", access).decision == "implicitDeny"
}
