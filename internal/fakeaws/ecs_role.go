package fakeaws

import (
	"encoding/json"
	"strings"
)

// The services that roles are passed to.
const (
	ecsService  = "ecs.amazonaws.com"
	taskService = "ecs-tasks.amazonaws.com"
)

// passing returns the iam:PassRole accesses of the roles that the request's
// parameters name at the given paths, "loadBalancers[].advancedConfiguration.roleArn".
// Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
func (c *call) passing(service string, paths ...string) []access {
	var parameters any
	if json.Unmarshal(c.body, &parameters) != nil {
		return nil
	}
	var accesses []access
	for _, path := range paths {
		for _, name := range at(parameters, strings.Split(path, ".")) {
			accesses = append(accesses, c.passRole(name, service))
		}
	}
	return accesses
}

// passingOf returns the same for the roles of an existing task definition:
// whoever runs it passes them. A role that the request overrides is not passed.
func (c *call) passingOf(definition, taskRole, executionRole string) []access {
	d := c.aws.state.definitions[definition]
	if d == nil {
		return nil
	}
	var accesses []access
	if d.taskRole != "" && taskRole == "" {
		accesses = append(accesses, c.passRole(d.taskRole, taskService))
	}
	if d.execution != "" && executionRole == "" {
		accesses = append(accesses, c.passRole(d.execution, taskService))
	}
	return accesses
}

// passRole takes a role's ARN or its name.
func (c *call) passRole(role, service string) access {
	if !strings.HasPrefix(role, "arn:") {
		role = c.aws.iamARN("role/" + role)
	}
	k := keys{}
	k.one("iam:PassedToService", service)
	return access{"iam:PassRole", role, k}
}

// at collects the non-empty strings at a path; "name[]" goes through a list.
func at(v any, path []string) []string {
	if len(path) == 0 {
		if s, ok := v.(string); ok && s != "" {
			return []string{s}
		}
		return nil
	}
	name, isList := strings.CutSuffix(path[0], "[]")
	members, _ := v.(map[string]any)
	if !isList {
		return at(members[name], path[1:])
	}
	list, _ := members[name].([]any)
	var all []string
	for _, element := range list {
		all = append(all, at(element, path[1:])...)
	}
	return all
}
