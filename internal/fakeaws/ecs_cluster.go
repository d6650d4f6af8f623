package fakeaws

import (
	"maps"
	"slices"
	"strings"
)

func (c *call) listClusters() (any, *fault) {
	var in struct {
		NextToken  string `json:"nextToken"`
		MaxResults *int   `json:"maxResults"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	if f := c.authorize(access{action: "ecs:ListClusters", resource: "*"}); f != nil {
		return nil, f
	}
	var arns []string
	for arn, x := range c.aws.state.clusters {
		if x.status == active && strings.HasPrefix(arn, c.ecsARN("cluster/")) {
			arns = append(arns, arn)
		}
	}
	slices.Sort(arns)
	return page("clusterArns", arns, in.MaxResults, in.NextToken, 100)
}

func (c *call) describeClusters() (any, *fault) {
	var in struct {
		Clusters []string `json:"clusters"`
		Include  []string `json:"include"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := includes(in.Include, "ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS")
	if f != nil {
		return nil, f
	}
	if len(in.Clusters) > 100 {
		return nil, invalidParameter("Clusters cannot have more than 100 elements.")
	}
	if len(in.Clusters) == 0 {
		in.Clusters = []string{"default"}
	}
	var accesses []access
	for _, id := range in.Clusters {
		arn, f := c.clusterARN(id)
		if f != nil {
			return nil, f
		}
		accesses = append(accesses, access{"ecs:DescribeClusters", arn, c.onResource(arn)})
	}
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	found, failures := []object{}, []object{}
	for _, x := range accesses {
		if cluster := c.aws.state.clusters[x.resource]; cluster != nil {
			found = append(found, c.clusterObject(cluster, tags))
		} else {
			failures = append(failures, missing(x.resource))
		}
	}
	return object{"clusters": found, "failures": failures}, nil
}

func (c *call) createCluster() (any, *fault) {
	var in struct {
		ClusterName string  `json:"clusterName"`
		Tags        tagSpec `json:"tags"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := in.Tags.read()
	if f != nil {
		return nil, f
	}
	arn, f := c.clusterARN(in.ClusterName)
	if f != nil {
		return nil, f
	}
	if f := c.authorize(c.creating("ecs:CreateCluster", arn, tags, keys{})...); f != nil {
		return nil, f
	}
	old := c.aws.state.activeCluster(arn)
	if old != nil && len(tags) > 0 && !maps.Equal(tags, old.tags) {
		return nil, invalidParameter("Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	if old == nil {
		name := arn[strings.LastIndexByte(arn, '/')+1:]
		old = &cluster{arn: arn, name: name, status: active, tags: tags}
		c.aws.state.clusters[arn] = old
	}
	return object{"cluster": c.clusterObject(old, true)}, nil
}

func (c *call) deleteCluster() (any, *fault) {
	var in struct {
		Cluster string `json:"cluster"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	if in.Cluster == "" {
		return nil, invalidParameter("Cluster cannot be empty.")
	}
	arn, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	if f := c.authorize(access{"ecs:DeleteCluster", arn, c.onResource(arn)}); f != nil {
		return nil, f
	}
	x := c.aws.state.activeCluster(arn)
	if x == nil {
		return nil, clusterNotFound()
	}
	if len(c.aws.state.servicesIn(arn)) > 0 {
		return nil, newFault("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
	}
	for _, t := range c.aws.state.tasksIn(arn) {
		if t.status == running {
			return nil, newFault("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
		}
	}
	x.status = inactive
	return object{"cluster": c.clusterObject(x, false)}, nil
}

func (c *call) clusterObject(x *cluster, tags bool) object {
	runningTasks := 0
	for _, t := range c.aws.state.tasksIn(x.arn) {
		if t.status == running {
			runningTasks++
		}
	}
	o := object{
		"clusterArn": x.arn, "clusterName": x.name, "status": x.status,
		"registeredContainerInstancesCount": 0, "runningTasksCount": runningTasks, "pendingTasksCount": 0,
		"activeServicesCount": len(c.aws.state.servicesIn(x.arn)),
		"statistics":          []object{}, "settings": []object{}, "capacityProviders": []string{},
		"defaultCapacityProviderStrategy": []object{}, "tags": []object{},
	}
	if tags {
		o["tags"] = tagList(x.tags)
	}
	return o
}
