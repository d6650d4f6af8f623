package ecsmcp.guardrails.privileged_task

import data.ecsmcp.iam
import data.ecsmcp.lib.arguments

# METADATA
# scope: document
# title: No way out of the container
# description: |
#   A task definition does not ask for what lets a container act on its host:
#   privileged mode, further Linux capabilities, the host's processes or shared
#   memory, its devices and files, or less confinement. AWS Fargate offers next
#   to none of this; on EC2 it is the instance.
# custom:
#   remedy: Register the task definition without it, or let a person register it.
deny contains {"message": message} if {
	input.actions["ecs:registertaskdefinition"] == true
	some message in violations
}

deny contains {"message": message} if {
	input.actions["ecs:registerdaemontaskdefinition"] == true
	some message in violations
}

# capabilities: those that may be added, by default the ones that Docker gives
# anyway. host_paths: files and devices of the host that may be mounted, with
# wildcards.
default settings := {
	"capabilities": [
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
		"NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	],
	"host_paths": [],
}

settings := data.ecsmcp.config.personas[input.persona].guardrails.privileged_task

violations contains message if some message in arguments.unreadable_task

violations contains sprintf("%s is privileged", [arguments.holder(m.path)]) if {
	some m in arguments.named({"privileged"})
	arguments.is_on(m.value)
}

# capabilities.add, and a flat list of those to add.
violations contains sprintf("%s adds the capability %s", [arguments.holder(m.path), arguments.shown(name)]) if {
	some m in arguments.named({"add", "capadd", "addcapabilities"})
	some name in listed(m.value)
	not is_harmless(name)
}

is_harmless(name) if {
	is_string(name)
	trim_prefix(upper(trim_space(name)), "CAP_") in {upper(capability) | some capability in settings.capabilities}
}

violations contains sprintf("%s is %s", [arguments.place(m.path), arguments.shown(m.value)]) if {
	some m in arguments.named({"pidmode", "ipcmode"})
	not is_own_mode(m.value)
}

is_own_mode(value) if {
	is_string(value)
	lower(trim_space(value)) in {"task", "none", ""}
}

violations contains sprintf("%s mounts %s of the host", [arguments.place(m.path), arguments.shown(m.value)]) if {
	some m in arguments.named({"sourcepath", "hostpath"})
	not is_open_path(m.value)
}

# ".." would leave a path that is open.
is_open_path(path) if {
	is_string(path)
	not contains(path, "..")
	some pattern in settings.host_paths
	iam.glob_matches(pattern, path)
}

is_open_path("")

# The options of a Docker volume can mount whatever the host has; what comes over
# the network or lives in memory is not the host's.
violations contains sprintf("%s mounts something of the host", [arguments.place(m.path)]) if {
	some m in arguments.named({"driveropts"})
	some name, _ in m.value
	arguments.fold(name) in {"device", "o", "type"}
	not is_no_host_volume(m.value)
}

violations contains sprintf("%s must be an object", [arguments.place(m.path)]) if {
	some m in arguments.named({"driveropts"})
	not is_object(m.value)
}

is_no_host_volume(options) if {
	is_string(options.type)
	lower(trim_space(options.type)) in {"cifs", "nfs", "nfs4", "tmpfs"}
}

violations contains sprintf("%s has the security option %s", [arguments.holder(m.path), arguments.shown(option)]) if {
	some m in arguments.named({"dockersecurityoptions", "securityoptions", "securityopt"})
	some option in listed(m.value)
	not is_confining(option)
}

is_confining(option) if {
	is_string(option)
	regex.match(`^(no-new-privileges([:=]true)?|credentialspec:.*|(apparmor|label)[:=].*)$`, lower(option))
	not contains(lower(option), "unconfined")
	not contains(lower(option), "disable")
}

listed(value) := value if {
	is_array(value)
} else := [value]
