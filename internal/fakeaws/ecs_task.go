package fakeaws

import (
	"fmt"
	"strings"
)

func (c *call) runTask() (any, *fault) {
	var in struct {
		Cluster              string  `json:"cluster"`
		TaskDefinition       string  `json:"taskDefinition"`
		Count                *int    `json:"count"`
		LaunchType           string  `json:"launchType"`
		Group                string  `json:"group"`
		StartedBy            string  `json:"startedBy"`
		EnableExecuteCommand *bool   `json:"enableExecuteCommand"`
		Tags                 tagSpec `json:"tags"`
		Overrides            struct {
			TaskRole      string `json:"taskRoleArn"`
			ExecutionRole string `json:"executionRoleArn"`
		} `json:"overrides"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	count := 1
	if in.Count != nil {
		count = *in.Count
	}
	if count < 1 || count > 10 {
		return nil, invalidParameter("Count must be between 1 and 10.")
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	definition, f := c.definitionARN(in.TaskDefinition)
	if f != nil {
		return nil, f
	}
	tags, f := in.Tags.read()
	if f != nil {
		return nil, f
	}
	k := c.inCluster(definition, cluster).with(requested(tags))
	if in.EnableExecuteCommand != nil {
		k.one("ecs:enable-execute-command", fmt.Sprint(*in.EnableExecuteCommand))
	}
	accesses := []access{{"ecs:RunTask", definition, k}}
	if len(tags) > 0 {
		tagging := c.creating("ecs:RunTask", c.ecsARN("task/"+cluster[strings.LastIndexByte(cluster, '/')+1:]+"/*"), tags, keys{})
		accesses = append(accesses, tagging[1])
	}
	accesses = append(accesses, c.passing(taskService, "overrides.taskRoleArn", "overrides.executionRoleArn")...)
	accesses = append(accesses, c.passing(ecsService, "volumeConfigurations[].managedEBSVolume.roleArn")...)
	accesses = append(accesses, c.passingOf(definition, in.Overrides.TaskRole, in.Overrides.ExecutionRole)...)
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	if c.aws.state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	d := c.aws.state.definitions[definition]
	if d == nil || d.status != active {
		return nil, clientFault("TaskDefinition not found.")
	}
	tasks := []object{}
	for range count {
		t := c.aws.addTask(c.auth.region, cluster)
		t.definition, t.startedBy, t.tags = definition, in.StartedBy, ownTags(tags)
		t.executeCommand = in.EnableExecuteCommand != nil && *in.EnableExecuteCommand
		if t.group = in.Group; t.group == "" {
			t.group = "family:" + d.family
		}
		if in.LaunchType != "" {
			t.launchType = in.LaunchType
		}
		tasks = append(tasks, taskObject(t, true))
	}
	return object{"tasks": tasks, "failures": []object{}}, nil
}

func (c *call) stopTask() (any, *fault) {
	var in struct {
		Cluster string `json:"cluster"`
		Task    string `json:"task"`
		Reason  string `json:"reason"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	arn, f := c.taskARN(cluster, in.Task)
	if f != nil {
		return nil, f
	}
	if f := c.authorize(access{"ecs:StopTask", arn, c.inCluster(arn, cluster)}); f != nil {
		return nil, f
	}
	if c.aws.state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	t := c.aws.state.tasks[arn]
	if t == nil {
		return nil, invalidParameter("The referenced task was not found.")
	}
	t.status, t.stoppedReason = stopped, in.Reason
	return object{"task": taskObject(t, false)}, nil
}

// listTasks is authorised on the container instance if the request names one,
// else on "*": AWS answers "… perform: ecs:ListTasks on resource: *", see
// https://github.com/cdklabs/construct-hub/pull/1207.
func (c *call) listTasks() (any, *fault) {
	var in struct {
		Cluster           string `json:"cluster"`
		ContainerInstance string `json:"containerInstance"`
		Family            string `json:"family"`
		ServiceName       string `json:"serviceName"`
		DesiredStatus     string `json:"desiredStatus"`
		StartedBy         string `json:"startedBy"`
		NextToken         string `json:"nextToken"`
		MaxResults        *int   `json:"maxResults"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	resource := "*"
	if in.ContainerInstance != "" {
		if resource, f = c.memberARN("container-instance", cluster, in.ContainerInstance, taskID); f != nil {
			return nil, f
		}
	}
	k := keys{}
	k.one("ecs:cluster", cluster)
	if f := c.authorize(access{"ecs:ListTasks", resource, k}); f != nil {
		return nil, f
	}
	if c.aws.state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	if in.DesiredStatus == "" {
		in.DesiredStatus = running
	}
	var arns []string
	for _, t := range c.aws.state.tasksIn(cluster) {
		if t.status != in.DesiredStatus || in.ContainerInstance != "" ||
			in.Family != "" && !strings.Contains(t.definition, ":task-definition/"+in.Family+":") ||
			in.ServiceName != "" && t.group != "service:"+in.ServiceName ||
			in.StartedBy != "" && t.startedBy != in.StartedBy {
			continue
		}
		arns = append(arns, t.arn)
	}
	return page("taskArns", arns, in.MaxResults, in.NextToken, 100)
}

func (c *call) describeTasks() (any, *fault) {
	var in struct {
		Cluster string   `json:"cluster"`
		Tasks   []string `json:"tasks"`
		Include []string `json:"include"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	tags, f := includes(in.Include)
	if f != nil {
		return nil, f
	}
	accesses, cluster, f := c.describing("Tasks", 100, in.Cluster, in.Tasks, c.taskARN)
	if f != nil {
		return nil, f
	}
	if c.aws.state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	found, failures := []object{}, []object{}
	for _, x := range accesses {
		if t := c.aws.state.tasks[x.resource]; t != nil {
			found = append(found, taskObject(t, tags))
		} else {
			failures = append(failures, missing(x.resource))
		}
	}
	return object{"tasks": found, "failures": failures}, nil
}

func taskObject(t *task, tags bool) object {
	o := object{
		"taskArn": t.arn, "clusterArn": t.cluster, "taskDefinitionArn": t.definition, "lastStatus": t.status,
		"desiredStatus": t.status, "group": t.group, "launchType": t.launchType, "createdAt": epoch(t.created),
		"enableExecuteCommand": t.executeCommand, "containers": []object{}, "attachments": []object{},
		"overrides": object{"containerOverrides": []object{}}, "tags": []object{},
	}
	if t.startedBy != "" {
		o["startedBy"] = t.startedBy
	}
	if t.stoppedReason != "" {
		o["stoppedReason"] = t.stoppedReason
	}
	if tags {
		o["tags"] = tagList(t.tags)
	}
	return o
}
