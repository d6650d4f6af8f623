package fakeaws

import (
	"encoding/json"
	"slices"
	"strings"
)

// definitionEcho are the members of a task definition that are only stored and
// given back.
var definitionEcho = []string{
	"containerDefinitions", "networkMode", "volumes", "placementConstraints", "requiresCompatibilities",
	"cpu", "memory", "pidMode", "ipcMode", "proxyConfiguration", "inferenceAccelerators", "ephemeralStorage",
	"runtimePlatform", "enableFaultInjection",
}

func (c *call) registerTaskDefinition() (any, *fault) {
	var in struct {
		Family          string            `json:"family"`
		TaskRole        string            `json:"taskRoleArn"`
		ExecutionRole   string            `json:"executionRoleArn"`
		CPU             string            `json:"cpu"`
		Memory          string            `json:"memory"`
		Compatibilities []string          `json:"requiresCompatibilities"`
		Containers      []json.RawMessage `json:"containerDefinitions"`
		Tags            tagSpec           `json:"tags"`
	}
	var all map[string]json.RawMessage
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	if f := decode(c, &all); f != nil {
		return nil, f
	}
	if !ecsName.MatchString(in.Family) {
		return nil, clientFault("Family contains invalid characters.")
	}
	tags, f := in.Tags.read()
	if f != nil {
		return nil, f
	}
	k := keys{}
	if in.CPU != "" {
		k.one("ecs:task-cpu", in.CPU)
	}
	if in.Memory != "" {
		k.one("ecs:task-memory", in.Memory)
	}
	if len(in.Compatibilities) > 0 {
		k.many("ecs:compute-compatibility", in.Compatibilities...)
	}
	// The revision is not known before it is registered.
	accesses := c.creating("ecs:RegisterTaskDefinition", c.ecsARN("task-definition/"+in.Family+":*"), tags, k)
	accesses = append(accesses, c.passing(taskService, "taskRoleArn", "executionRoleArn")...)
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	if len(in.Containers) == 0 {
		return nil, clientFault("Container list cannot be empty.")
	}
	d := &taskDefinition{taskRole: in.TaskRole, execution: in.ExecutionRole, tags: tags, echo: map[string]json.RawMessage{}}
	for _, name := range definitionEcho {
		if v, ok := all[name]; ok {
			d.echo[name] = v
		}
	}
	c.aws.addDefinition(c.auth.region, in.Family, d)
	return object{"taskDefinition": d.object(), "tags": tagList(tags)}, nil
}

// deregisterTaskDefinition has no resource-level permission and no condition
// keys, so no policy can protect a task definition by its tags here.
func (c *call) deregisterTaskDefinition() (any, *fault) {
	d, _, f := c.namedDefinition("ecs:DeregisterTaskDefinition")
	if f != nil {
		return nil, f
	}
	d.status = inactive
	return object{"taskDefinition": d.object()}, nil
}

func (c *call) describeTaskDefinition() (any, *fault) {
	d, include, f := c.namedDefinition("ecs:DescribeTaskDefinition")
	if f != nil {
		return nil, f
	}
	tags, f := includes(include)
	if f != nil {
		return nil, f
	}
	o := object{"taskDefinition": d.object()}
	if tags {
		o["tags"] = tagList(d.tags)
	}
	return o, nil
}

// namedDefinition authorises an action without resource-level permission and
// finds the task definition that the request names.
func (c *call) namedDefinition(action string) (*taskDefinition, []string, *fault) {
	var in struct {
		TaskDefinition string   `json:"taskDefinition"`
		Include        []string `json:"include"`
	}
	if f := decode(c, &in); f != nil {
		return nil, nil, f
	}
	arn, f := c.definitionARN(in.TaskDefinition)
	if f != nil {
		return nil, nil, f
	}
	if f := c.authorize(access{action: action, resource: "*"}); f != nil {
		return nil, nil, f
	}
	d := c.aws.state.definitions[arn]
	if d == nil {
		return nil, nil, clientFault("Unable to describe task definition.")
	}
	return d, in.Include, nil
}

func (c *call) listTaskDefinitions() (any, *fault) {
	return c.listDefinitions("ecs:ListTaskDefinitions", "taskDefinitionArns", func(d *taskDefinition, prefix string) (string, bool) {
		return d.arn, prefix == "" || d.family == prefix
	})
}

func (c *call) listTaskDefinitionFamilies() (any, *fault) {
	return c.listDefinitions("ecs:ListTaskDefinitionFamilies", "families", func(d *taskDefinition, prefix string) (string, bool) {
		return d.family, strings.HasPrefix(d.family, prefix)
	})
}

func (c *call) listDefinitions(action, member string, name func(d *taskDefinition, prefix string) (string, bool)) (any, *fault) {
	var in struct {
		FamilyPrefix string `json:"familyPrefix"`
		Status       string `json:"status"`
		Sort         string `json:"sort"`
		NextToken    string `json:"nextToken"`
		MaxResults   *int   `json:"maxResults"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	if f := c.authorize(access{action: action, resource: "*"}); f != nil {
		return nil, f
	}
	// ListTaskDefinitions shows ACTIVE by default, the families both.
	wanted := in.Status
	if wanted == "" && action == "ecs:ListTaskDefinitions" {
		wanted = active
	}
	var names []string
	for arn, d := range c.aws.state.definitions {
		if !strings.HasPrefix(arn, c.ecsARN("task-definition/")) || wanted != "" && wanted != "ALL" && wanted != d.status {
			continue
		}
		if n, ok := name(d, in.FamilyPrefix); ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if in.Sort == "DESC" {
		slices.Reverse(names)
	}
	return page(member, names, in.MaxResults, in.NextToken, 100)
}

func (d *taskDefinition) object() object {
	o := object{
		"taskDefinitionArn": d.arn, "family": d.family, "revision": d.revision, "status": d.status,
		"containerDefinitions": []object{}, "volumes": []object{}, "placementConstraints": []object{},
		"registeredAt": epoch(d.registered), "compatibilities": []string{"EC2", "FARGATE"},
	}
	if d.taskRole != "" {
		o["taskRoleArn"] = d.taskRole
	}
	if d.execution != "" {
		o["executionRoleArn"] = d.execution
	}
	for name, v := range d.echo {
		o[name] = v
	}
	return o
}
