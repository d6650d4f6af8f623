package fakeaws

import (
	"regexp"
	"strings"
)

// ECS takes most resources by name or by ARN. What is authorised is always the
// ARN.

var (
	ecsName    = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)
	taskID     = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`)
	definition = regexp.MustCompile(`^([a-zA-Z0-9_-]{1,255})(?::([1-9][0-9]{0,8}))?$`)
)

// arnResource returns the resource part of an ARN of this account, region and
// type; of a name, it returns the name and false.
func (c *call) arnResource(id, kind string) (resource string, isARN bool, f *fault) {
	if !strings.HasPrefix(id, "arn:") {
		return id, false, nil
	}
	segments := strings.SplitN(id, ":", arnParts)
	switch {
	case len(segments) != arnParts || segments[1] != c.aws.partition || segments[2] != "ecs":
		return "", true, invalidParameter("Invalid identifier: Unexpected format")
	case segments[3] != c.auth.region:
		return "", true, invalidParameter("Invalid identifier: Unexpected region %s", segments[3])
	case segments[4] != c.aws.account:
		// Another account's policies would have to allow this; there are none.
		return "", true, accessDenied(c.caller.arn, "ecs:"+c.operation, id,
			"because no resource-based policy allows the ecs:"+c.operation+" action")
	}
	resource, ok := strings.CutPrefix(segments[5], kind+"/")
	if !ok {
		return "", true, invalidParameter("Invalid identifier: Unexpected resource type")
	}
	return resource, true, nil
}

// clusterARN reads a cluster's name or ARN; without either it is "default".
func (c *call) clusterARN(id string) (string, *fault) {
	if id == "" {
		id = "default"
	}
	name, _, f := c.arnResource(id, "cluster")
	if f != nil {
		return "", f
	}
	if !ecsName.MatchString(name) {
		return "", invalidParameter("Invalid identifier: Identifier is not a cluster name")
	}
	return c.ecsARN("cluster/" + name), nil
}

// memberARN reads a service's or task's name or ARN, which must be of the
// cluster. The old ARNs without a cluster are refused.
func (c *call) memberARN(kind, cluster, id string, valid *regexp.Regexp) (string, *fault) {
	clusterName := cluster[strings.LastIndexByte(cluster, '/')+1:]
	name, isARN, f := c.arnResource(id, kind)
	if f != nil {
		return "", f
	}
	if isARN {
		of, rest, ok := strings.Cut(name, "/")
		if !ok {
			return "", invalidParameter("Invalid identifier: Unexpected number of separators")
		}
		if of != clusterName {
			return "", invalidParameter("Identifier is for %s. Your cluster is %s", of, clusterName)
		}
		name = rest
	}
	if !valid.MatchString(name) {
		return "", invalidParameter("Invalid identifier: Identifier is not a %s name", kind)
	}
	return c.ecsARN(kind + "/" + clusterName + "/" + name), nil
}

func (c *call) serviceARN(cluster, id string) (string, *fault) {
	return c.memberARN("service", cluster, id, ecsName)
}

func (c *call) taskARN(cluster, id string) (string, *fault) {
	return c.memberARN("task", cluster, id, taskID)
}

// definitionARN reads FAMILY, FAMILY:REVISION or an ARN of either. A family
// stands for its latest active revision, which is what ECS authorises; for a
// family without one the ARN says ":*".
func (c *call) definitionARN(id string) (string, *fault) {
	name, _, f := c.arnResource(id, "task-definition")
	if f != nil {
		return "", f
	}
	parts := definition.FindStringSubmatch(name)
	if parts == nil {
		return "", clientFault("Unable to describe task definition.")
	}
	prefix := c.ecsARN("task-definition/")
	if parts[2] != "" {
		return prefix + name, nil
	}
	if d := c.aws.state.latest(prefix, parts[1]); d != nil {
		return d.arn, nil
	}
	return prefix + parts[1] + ":*", nil
}

func (c *call) ecsARN(resource string) string { return c.aws.ecsARN(c.auth.region, resource) }
