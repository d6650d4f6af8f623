package facts

import "strings"

// kind is a type of resource whose tags can be read.
type kind int

const (
	none kind = iota
	cluster
	service
	task
	taskDefinition
)

// target is one resource to look up.
type target struct {
	kind    kind
	cluster string // name, for a service or task
	arn     string
}

// parse tells what an ARN names; its zero value means "not to be looked up":
// another service, a wildcard, or an old short ARN without its cluster.
func parse(arn string) target {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "ecs" || strings.ContainsAny(arn, "*?") {
		return target{}
	}
	path := strings.Split(parts[5], "/")
	switch {
	case path[0] == "cluster" && len(path) == 2:
		return target{cluster, path[1], arn}
	case path[0] == "service" && len(path) == 3:
		return target{service, path[1], arn}
	case path[0] == "task" && len(path) == 3:
		return target{task, path[1], arn}
	case path[0] == "task-definition" && len(path) == 2:
		return target{kind: taskDefinition, arn: arn}
	}
	return target{}
}
