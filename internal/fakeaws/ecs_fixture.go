package fakeaws

import (
	"slices"
	"strconv"
	"strings"
)

// Container instances, task sets and capacity providers are there to be found
// by their tags and to be deleted.

// described returns what is there of the resources that were authorised.
func (c *call) described(accesses []access, tags bool, show func(arn string) object) (found, failures []object) {
	found, failures = []object{}, []object{}
	for _, x := range accesses {
		at := c.aws.state.fixtures[x.resource]
		if at == nil {
			failures = append(failures, missing(x.resource))
			continue
		}
		o := show(at.arn)
		if tags {
			o["tags"] = tagList(at.tags)
		}
		found = append(found, o)
	}
	return found, failures
}

// deleteFixture authorises an operation and deletes what it names.
func (c *call) deleteFixture(arn, notFound string, accesses ...access) *fault {
	if f := c.authorize(accesses...); f != nil {
		return f
	}
	if c.aws.state.fixtures[arn] == nil {
		return invalidParameter("%s", notFound)
	}
	delete(c.aws.state.fixtures, arn)
	return nil
}

func (c *call) describeContainerInstances() (any, *fault) {
	var in struct {
		Cluster            string   `json:"cluster"`
		ContainerInstances []string `json:"containerInstances"`
		Include            []string `json:"include"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := includes(in.Include, "CONTAINER_INSTANCE_HEALTH")
	if f != nil {
		return nil, f
	}
	accesses, cluster, f := c.describing("ContainerInstances", 100, in.Cluster, in.ContainerInstances, func(cluster, id string) (string, *fault) {
		return c.memberARN("container-instance", cluster, id, taskID)
	})
	if f != nil {
		return nil, f
	}
	if c.aws.state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	found, failures := c.described(accesses, tags, func(arn string) object {
		return object{"containerInstanceArn": arn, "status": active, "agentConnected": true}
	})
	return object{"containerInstances": found, "failures": failures}, nil
}

// deregisterContainerInstance is authorised on the cluster: the instance's own
// tags protect nothing here.
func (c *call) deregisterContainerInstance() (any, *fault) {
	var in struct {
		Cluster           string `json:"cluster"`
		ContainerInstance string `json:"containerInstance"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	arn, f := c.memberARN("container-instance", cluster, in.ContainerInstance, taskID)
	if f != nil {
		return nil, f
	}
	f = c.deleteFixture(arn, "Referenced container instance "+in.ContainerInstance+" not found.",
		access{"ecs:DeregisterContainerInstance", cluster, c.onResource(cluster)})
	return object{"containerInstance": object{"containerInstanceArn": arn, "status": inactive}}, f
}

// taskSetARN reads a task set's id or ARN, which must be of the service.
func (c *call) taskSetARN(service, id string) (string, *fault) {
	prefix := strings.Replace(service, ":service/", ":task-set/", 1) + "/"
	id = strings.TrimPrefix(id, prefix)
	number, ok := strings.CutPrefix(id, "ecs-svc/")
	if !ok || !taskID.MatchString(number) {
		return "", invalidParameter("Invalid identifier: Identifier is not a task set of the service")
	}
	return prefix + id, nil
}

// onTaskSet are a task set's condition keys.
func (c *call) onTaskSet(arn, cluster, service string) keys {
	k := c.inCluster(arn, cluster)
	k.one("ecs:service", service)
	return k
}

func (c *call) describeTaskSets() (any, *fault) {
	var in struct {
		Cluster  string   `json:"cluster"`
		Service  string   `json:"service"`
		TaskSets []string `json:"taskSets"`
		Include  []string `json:"include"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := includes(in.Include)
	if f != nil {
		return nil, f
	}
	cluster, service, f := c.ofService(in.Cluster, in.Service)
	if f != nil {
		return nil, f
	}
	var accesses []access
	for _, id := range in.TaskSets {
		arn, f := c.taskSetARN(service, id)
		if f != nil {
			return nil, f
		}
		accesses = append(accesses, access{"ecs:DescribeTaskSets", arn, c.onTaskSet(arn, cluster, service)})
	}
	if len(accesses) == 0 {
		return nil, invalidParameter("Without taskSets this operation is not supported here.")
	}
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	if c.aws.state.activeService(service) == nil {
		return nil, serviceNotFound()
	}
	found, failures := c.described(accesses, tags, func(arn string) object {
		return object{"taskSetArn": arn, "status": active, "clusterArn": cluster, "serviceArn": service}
	})
	return object{"taskSets": found, "failures": failures}, nil
}

func (c *call) deleteTaskSet() (any, *fault) {
	var in struct {
		Cluster string `json:"cluster"`
		Service string `json:"service"`
		TaskSet string `json:"taskSet"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, service, f := c.ofService(in.Cluster, in.Service)
	if f != nil {
		return nil, f
	}
	arn, f := c.taskSetARN(service, in.TaskSet)
	if f != nil {
		return nil, f
	}
	f = c.deleteFixture(arn, "The specified task set was not found.", access{"ecs:DeleteTaskSet", arn, c.onTaskSet(arn, cluster, service)})
	return object{"taskSet": object{"taskSetArn": arn, "status": "DRAINING"}}, f
}

func (c *call) ofService(clusterID, serviceID string) (cluster, service string, f *fault) {
	if cluster, f = c.clusterARN(clusterID); f != nil {
		return "", "", f
	}
	service, f = c.serviceARN(cluster, serviceID)
	return cluster, service, f
}

// describeCapacityProviders answers at most ten at a time, however many are named.
// Source: Amazon ECS API reference, DescribeCapacityProviders, maxResults.
func (c *call) describeCapacityProviders() (any, *fault) {
	var in struct {
		CapacityProviders []string `json:"capacityProviders"`
		Include           []string `json:"include"`
		MaxResults        *int     `json:"maxResults"`
		NextToken         string   `json:"nextToken"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := includes(in.Include)
	if f != nil {
		return nil, f
	}
	if len(in.CapacityProviders) > 100 {
		return nil, invalidParameter("CapacityProviders cannot have more than 100 elements.")
	}
	accesses, f := c.otherAccesses()
	if f != nil {
		return nil, f
	}
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	if len(in.CapacityProviders) == 0 {
		accesses = nil
		for arn := range c.aws.state.fixtures {
			if strings.HasPrefix(arn, c.ecsARN("capacity-provider/")) {
				accesses = append(accesses, access{"ecs:DescribeCapacityProviders", arn, c.onResource(arn)})
			}
		}
		slices.SortFunc(accesses, func(x, y access) int { return strings.Compare(x.resource, y.resource) })
	}
	found, failures := c.described(accesses, tags, func(arn string) object {
		return object{"capacityProviderArn": arn, "name": arn[strings.LastIndexByte(arn, '/')+1:], "status": active}
	})
	start, err := strconv.Atoi("0" + in.NextToken)
	size := 10
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if err != nil || start > len(found) || size < 1 || size > 10 {
		return nil, invalidParameter("Invalid token or maxResults.")
	}
	end := min(start+size, len(found))
	out := object{"capacityProviders": found[start:end], "failures": failures}
	if end < len(found) {
		out["nextToken"] = strconv.Itoa(end)
	}
	return out, nil
}

func (c *call) deleteCapacityProvider() (any, *fault) {
	accesses, f := c.otherAccesses()
	if f != nil {
		return nil, f
	}
	arn := accesses[0].resource
	f = c.deleteFixture(arn, "The specified capacity provider was not found.", accesses...)
	return object{"capacityProvider": object{"capacityProviderArn": arn, "status": inactive}}, f
}
