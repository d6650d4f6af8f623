package ecsmcp.guardrails.privileged_task_test

import data.ecsmcp.guardrails.privileged_task

ask(action, given) := {
	"persona": "p", "region": "us-east-1", "account": "123456789012",
	"call": {"method": "tools/call", "write": true, "arguments": {"api_params": given}},
	"actions": {lower(action): true},
	"accesses": [{"action": action, "resource": "arn:aws:ecs:us-east-1:123456789012:service/shop/web", "context": {"aws:RequestedRegion": "us-east-1"}}],
}

with_settings(settings) := {"p": {"guardrails": {"privileged_task": settings}}}

container(more) := {"family": "web", "containerDefinitions": [object.union({"name": "web", "image": "nginx"}, more)]}

task(more) := object.union(container({}), more)

volume(configuration) := task({"volumes": [{"name": "v", "dockerVolumeConfiguration": configuration}]})

test_denied[note] if {
	some note, given in {
		"privileged": container({"privileged": true}),
		"privileged as text": container({"privileged": "true"}),
		"privileged in another spelling": {"container_definitions": [{"image": "a", "Privileged": 1}], "containers": [{}]},
		"privileged beside other arguments": {"image": "a", "privileged": true},
		"a capability": container({"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}),
		"a capability by its long name": container({"linuxParameters": {"capabilities": {"add": ["CAP_SYS_PTRACE"]}}}),
		"all capabilities": container({"linuxParameters": {"capabilities": {"add": ["ALL"]}}}),
		"a capability that is no string": container({"linuxParameters": {"capabilities": {"add": [["KILL"]]}}}),
		"a capability without a list": container({"cap_add": "SYS_ADMIN"}),
		"the host's processes": task({"pidMode": "host"}),
		"the host's shared memory": task({"ipcMode": "HOST"}),
		"a mode that is no string": task({"pidMode": {"mode": "host"}}),
		"the Docker socket": task({"volumes": [{"name": "v", "host": {"sourcePath": "/var/run/docker.sock"}}]}),
		"a path that is no string": task({"volumes": [{"name": "v", "host": {"sourcePath": ["/"]}}]}),
		"a device": container({"linuxParameters": {"devices": [{"hostPath": "/dev/kmsg"}]}}),
		"a bind mount by options": volume({"driver": "local", "driverOpts": {"type": "none", "o": "bind", "device": "/etc"}}),
		"an overlay of the host": volume({"driverOpts": {"type": "overlay", "o": "lowerdir=/"}}),
		"a device without a type": volume({"driverOpts": {"device": "/dev/sda1"}}),
		"a type that is no string": volume({"driverOpts": {"type": ["nfs"]}}),
		"options that are no object": volume({"driverOpts": "type=none"}),
		"no seccomp": container({"dockerSecurityOptions": ["seccomp:unconfined"]}),
		"no apparmor": container({"dockerSecurityOptions": ["apparmor:unconfined"]}),
		"no labels": container({"dockerSecurityOptions": ["label:disable"]}),
		"new privileges": container({"dockerSecurityOptions": ["no-new-privileges:false"]}),
		"an option that is no string": container({"dockerSecurityOptions": [1]}),
		"no containers": {"family": "web"},
		"a document as text": "{\"family\": \"web\"}",
	}
	count(privileged_task.deny) > 0 with input as ask("ecs:RegisterTaskDefinition", given)
	count(privileged_task.deny) > 0 with input as ask("ecs:RegisterDaemonTaskDefinition", given)
}

test_allowed[note] if {
	some note, given in {
		"a plain one": container({}),
		"not privileged": container({"privileged": false}),
		"a label of that name": container({"dockerLabels": {"privileged": "true"}}),
		"a capability that Docker gives anyway": container({"linuxParameters": {"capabilities": {"add": ["NET_BIND_SERVICE", "CAP_CHOWN"], "drop": ["ALL"]}}}),
		"processes of the task": task({"pidMode": "task", "ipcMode": "none"}),
		"a volume without a path": task({"volumes": [{"name": "v", "host": {}}, {"name": "w", "host": {"sourcePath": ""}}]}),
		"a network volume": volume({"driver": "local", "driverOpts": {"type": "nfs", "o": "addr=10.0.0.1", "device": ":/share"}}),
		"a volume of another driver": volume({"driver": "rexray/ebs", "driverOpts": {"volumetype": "gp2"}}),
		"more confinement": container({"dockerSecurityOptions": ["no-new-privileges", "apparmor:strict"]}),
	}
	count(privileged_task.deny) == 0 with input as ask("ecs:RegisterTaskDefinition", given)
}

test_other_calls_are_not_read if count(privileged_task.deny) == 0 with input as ask("ecs:RunTask", container({"privileged": true}))

test_the_message_names_the_container if {
	{"container \"web\" is privileged"} == {r.message | some r in privileged_task.deny} with input as ask("ecs:RegisterTaskDefinition", container({"privileged": true}))
}

test_settings[note] if {
	some note, tc in {
		"a capability is listed": [0, container({"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}}})],
		"another is not": [1, container({"linuxParameters": {"capabilities": {"add": ["KILL"]}}})],
		"a path is listed": [0, task({"volumes": [{"name": "v", "host": {"sourcePath": "/data/web"}}]})],
		"a path out of it is not": [1, task({"volumes": [{"name": "v", "host": {"sourcePath": "/data/../etc"}}]})],
	}
	tc[0] == count(privileged_task.deny) with input as ask("ecs:RegisterTaskDefinition", tc[1])
		with data.ecsmcp.config.personas as with_settings({"capabilities": ["sys_ptrace"], "host_paths": ["/data/*"]})
}
