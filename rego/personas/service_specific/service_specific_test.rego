package ecsmcp.personas.service_specific_test

import data.ecsmcp.samples

shop := {"ecs:cluster": samples.ecs("cluster/shop")}

other := {"ecs:cluster": samples.ecs("cluster/other")}

list(action, context) := object.union(samples.unscoped(action), {"context": context})

logs(rest) := concat("", ["arn:aws:logs:us-east-1:123456789012:log-group:", rest])

test_allowed[note] if {
	some note, access in {
		"its service": samples.on("ecs:DescribeServices", samples.ecs("service/shop/web"), {}),
		"another service of the cluster": samples.on("ecs:DescribeServices", samples.ecs("service/shop/api"), {}),
		"tasks of the cluster": samples.on("ecs:DescribeTasks", samples.ecs("task/shop/*"), {}),
		"listing services of the cluster": list("ecs:ListServices", shop),
		"listing tasks of the cluster": list("ecs:ListTasks", shop),
		"listing tasks, asked of a container instance": samples.on("ecs:ListTasks", samples.ecs("container-instance/shop/*"), shop),
		"a task definition": samples.unscoped("ecs:DescribeTaskDefinition"),
		"updating its service": samples.on("ecs:UpdateService", samples.ecs("service/shop/web"), {}),
		"stopping a task": samples.on("ecs:StopTask", samples.ecs("task/shop/1"), {}),
		"starting its task definition": samples.on("ecs:StartTask", samples.ecs("task-definition/web:7"), shop),
		"filtering its log group": samples.on("logs:FilterLogEvents", logs("/ecs/web"), {}),
		"filtering it as AWS writes the ARN": samples.on("logs:FilterLogEvents", logs("/ecs/web:*"), {}),
		"a stream of its log group": samples.on("logs:GetLogEvents", logs("/ecs/web:log-stream:a/b/c"), {}),
	}
	samples.bounded("service_specific", access).decision == "allowed"
}

test_denied[note] if {
	some note, access in {
		"another cluster's service": samples.on("ecs:DescribeServices", samples.ecs("service/other/web"), {}),
		"listing another cluster's services": list("ecs:ListServices", other),
		"listing without saying where": list("ecs:ListTasks", {}),
		"updating another service": samples.on("ecs:UpdateService", samples.ecs("service/shop/api"), {}),
		"updating every service": samples.on("ecs:UpdateService", samples.ecs("service/shop/*"), {}),
		"starting another task definition": samples.on("ecs:StartTask", samples.ecs("task-definition/admin:1"), shop),
		"starting in another cluster": samples.on("ecs:StartTask", samples.ecs("task-definition/web:7"), other),
		"a log group that begins alike": samples.on("logs:GetLogEvents", logs("/ecs/web-admin:log-stream:a"), {}),
		"deleting its service": samples.on("ecs:DeleteService", samples.ecs("service/shop/web"), {}),
		"another account": samples.on("ecs:DescribeServices", "arn:aws:ecs:us-east-1:999999999999:service/shop/web", {}),
	}
	samples.bounded("service_specific", access).decision == "implicitDeny"
}
