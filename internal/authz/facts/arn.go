package facts

import (
	"slices"
	"strings"
)

// kind is a type of resource whose tags can be read; "" is none.
type kind string

const (
	cluster           kind = "cluster"
	service           kind = "service"
	task              kind = "task"
	taskSet           kind = "task set"
	taskDefinition    kind = "task definition"
	containerInstance kind = "container instance"
	capacityProvider  kind = "capacity provider"
	stack             kind = "stack"
	repository        kind = "repository"
	logGroup          kind = "log group"
)

// facts names what is looked up of one of the kind.
func (k kind) facts() string {
	if k == taskDefinition {
		return "tags and roles"
	}
	return "tags"
}

// target is one resource to look up.
type target struct {
	group
	arn string
}

// group is what one request to AWS can be about.
type group struct {
	kind    kind
	cluster string // name, of what is in a cluster
	service string // name, of a task set
}

// isFamily reports whether the target is a task definition without revision.
func (t target) isFamily() bool { return t.kind == taskDefinition && strings.HasSuffix(t.arn, ":*") }

// parse tells what an ARN names; its zero value means "not to be looked up":
// another type, a wildcard, or an old short ARN without its cluster.
func parse(arn string) target {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return target{}
	}
	path := strings.Split(parts[5], "/")
	if slices.Contains(path, "") {
		return target{}
	}
	type form struct {
		service, resource string
		segments          int
	}
	g := group{}
	switch (form{parts[2], path[0], len(path)}) {
	case form{"ecs", "cluster", 2}:
		g = group{kind: cluster}
	case form{"ecs", "service", 3}:
		g = group{kind: service, cluster: path[1]}
	case form{"ecs", "task", 3}:
		g = group{kind: task, cluster: path[1]}
	case form{"ecs", "task-set", 5}: // task-set/CLUSTER/SERVICE/ecs-svc/ID
		g = group{kind: taskSet, cluster: path[1], service: path[2]}
	case form{"ecs", "task-definition", 2}:
		g = group{kind: taskDefinition}
		// A family stands for its latest revision where the access says so.
		if family := strings.TrimSuffix(arn, ":*"); strings.ContainsAny(family, "*?") || strings.HasSuffix(family, "/") {
			return target{}
		}
		return target{g, arn}
	case form{"ecs", "container-instance", 3}:
		g = group{kind: containerInstance, cluster: path[1]}
	case form{"ecs", "capacity-provider", 2}:
		g = group{kind: capacityProvider}
	case form{"cloudformation", "stack", 3}:
		g = group{kind: stack}
		// A name has one stack at a time, so its open id is no wildcard.
		if strings.ContainsAny(strings.TrimSuffix(arn, "/*"), "*?") {
			return target{}
		}
		return target{g, arn}
	}
	if name, ok := strings.CutSuffix(arn, ":*"); ok && parts[2] == "logs" {
		// Policies write the ARN of a log group with an end that is no wildcard.
		// Source: Amazon CloudWatch Logs user guide, "CloudWatch Logs resources and operations".
		if resource := strings.SplitN(name, ":", 6)[5]; strings.Count(resource, ":") != 1 || !strings.HasPrefix(resource, "log-group:") ||
			strings.HasSuffix(resource, ":") || strings.ContainsAny(name, "*?") {
			return target{}
		}
		return target{group{kind: logGroup}, arn}
	}
	if parts[2] == "ecr" && path[0] == "repository" && len(path) > 1 { // names may have slashes
		g = group{kind: repository}
	}
	if g.kind == "" || strings.ContainsAny(arn, "*?") {
		return target{}
	}
	return target{g, arn}
}
