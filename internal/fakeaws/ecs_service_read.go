package fakeaws

func (c *call) listServices() (any, *fault) {
	var in struct {
		Cluster    string `json:"cluster"`
		LaunchType string `json:"launchType"`
		NextToken  string `json:"nextToken"`
		MaxResults *int   `json:"maxResults"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	k := keys{}
	k.one("ecs:cluster", cluster)
	if f := c.authorize(access{"ecs:ListServices", "*", k}); f != nil {
		return nil, f
	}
	if c.aws.state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	var arns []string
	for _, x := range c.aws.state.servicesIn(cluster) {
		if in.LaunchType == "" || in.LaunchType == x.launchType {
			arns = append(arns, x.arn)
		}
	}
	return page("serviceArns", arns, in.MaxResults, in.NextToken, 10)
}

func (c *call) describeServices() (any, *fault) {
	var in struct {
		Cluster  string   `json:"cluster"`
		Services []string `json:"services"`
		Include  []string `json:"include"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := includes(in.Include)
	if f != nil {
		return nil, f
	}
	accesses, cluster, f := c.describing("Services", 10, in.Cluster, in.Services, c.serviceARN)
	if f != nil {
		return nil, f
	}
	if c.aws.state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	found, failures := []object{}, []object{}
	for _, x := range accesses {
		if s := c.aws.state.services[x.resource]; s != nil {
			found = append(found, serviceObject(s, tags))
		} else {
			failures = append(failures, missing(x.resource))
		}
	}
	return object{"services": found, "failures": failures}, nil
}

// describing authorises each member of a Describe operation's list.
func (c *call) describing(what string, most int, clusterID string, ids []string, read func(cluster, id string) (string, *fault)) ([]access, string, *fault) {
	switch {
	case len(ids) == 0:
		return nil, "", invalidParameter("%s cannot be empty.", what)
	case len(ids) > most:
		return nil, "", invalidParameter("%s cannot have more than %d elements.", what, most)
	}
	cluster, f := c.clusterARN(clusterID)
	if f != nil {
		return nil, "", f
	}
	var accesses []access
	for _, id := range ids {
		arn, f := read(cluster, id)
		if f != nil {
			return nil, "", f
		}
		accesses = append(accesses, access{"ecs:Describe" + what, arn, c.inCluster(arn, cluster)})
	}
	return accesses, cluster, c.authorize(accesses...)
}

func serviceObject(x *service, tags bool) object {
	o := object{
		"serviceArn": x.arn, "serviceName": x.name, "clusterArn": x.cluster, "status": x.status,
		"desiredCount": x.desired, "runningCount": x.desired, "pendingCount": 0, "launchType": x.launchType,
		"taskDefinition": x.definition, "createdAt": epoch(x.created), "schedulingStrategy": "REPLICA",
		"enableExecuteCommand": x.executeCommand, "enableECSManagedTags": false, "propagateTags": "NONE",
		"loadBalancers": []object{}, "serviceRegistries": []object{}, "events": []object{}, "placementConstraints": []object{},
		"deployments": []object{{
			"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": x.definition, "desiredCount": x.desired,
			"runningCount": x.desired, "pendingCount": 0, "failedTasks": 0, "launchType": x.launchType,
			"createdAt": epoch(x.created), "updatedAt": epoch(x.created), "rolloutState": "COMPLETED",
		}},
	}
	for name, v := range x.echo {
		o[name] = v
	}
	if tags && len(x.tags) > 0 {
		o["tags"] = tagList(x.tags)
	}
	return o
}
