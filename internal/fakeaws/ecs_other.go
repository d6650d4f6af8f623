package fakeaws

import "strings"

// Operations of ECS that have no effect here are authorised on the resources
// that they name, as the others are, before they are refused as unknown.

// A naming says which type of resource a parameter names.
type naming struct{ kind, path string }

// Source: service authorization reference of Amazon ECS, resource types.
var otherNamings = map[string][]naming{
	"ListAttributes":                {{"cluster", "cluster"}},
	"ListContainerInstances":        {{"cluster", "cluster"}},
	"PutClusterCapacityProviders":   {{"cluster", "cluster"}},
	"RegisterContainerInstance":     {{"cluster", "cluster"}},
	"UpdateCluster":                 {{"cluster", "cluster"}},
	"UpdateClusterSettings":         {{"cluster", "cluster"}},
	"ListServiceDeployments":        {{"service", "service"}},
	"UpdateServicePrimaryTaskSet":   {{"service", "service"}},
	"ExecuteCommand":                {{"cluster", "cluster"}, {"task", "task"}},
	"GetTaskProtection":             {{"task", "tasks[]"}},
	"UpdateTaskProtection":          {{"task", "tasks[]"}},
	"UpdateContainerAgent":          {{"container-instance", "containerInstance"}},
	"UpdateContainerInstancesState": {{"container-instance", "containerInstances[]"}},
	"StartTask":                     {{"task-definition", "taskDefinition"}},
	"DeleteTaskDefinitions":         {{"task-definition", "taskDefinitions[]"}},
	"CreateCapacityProvider":        {{"capacity-provider", "name"}},
	"UpdateCapacityProvider":        {{"capacity-provider", "name"}},
	"DeleteCapacityProvider":        {{"capacity-provider", "capacityProvider"}},
	"DescribeCapacityProviders":     {{"capacity-provider", "capacityProviders[]"}},
}

// otherAccesses returns what an operation without effect needs; resource "*" if
// the table does not know the operation.
func (c *call) otherAccesses() ([]access, *fault) {
	action := c.auth.service + ":" + c.operation
	if c.auth.service != "ecs" || c.target != ecsTarget || otherNamings[c.operation] == nil {
		return []access{{action: action, resource: "*"}}, nil
	}
	var parameters any
	var given struct {
		Cluster string `json:"cluster"`
	}
	if f := decode(c, &parameters); f != nil {
		return nil, f
	}
	if f := decode(c, &given); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(given.Cluster)
	if f != nil {
		return nil, f
	}
	var accesses []access
	for _, n := range otherNamings[c.operation] {
		ids := at(parameters, strings.Split(n.path, "."))
		if len(ids) == 0 {
			ids = []string{""}
		}
		for _, id := range ids {
			arn, f := c.otherARN(n.kind, cluster, id)
			if f != nil {
				return nil, f
			}
			accesses = append(accesses, access{action, arn, c.inCluster(arn, cluster)})
		}
	}
	return accesses, nil
}

// otherARN names one resource; without an id all of its type.
func (c *call) otherARN(kind, cluster, id string) (string, *fault) {
	clusterName := cluster[strings.LastIndexByte(cluster, '/')+1:]
	switch {
	case kind == "cluster":
		return cluster, nil
	case id == "" && kind == "capacity-provider" || id == "" && kind == "task-definition":
		return c.ecsARN(kind + "/*"), nil
	case id == "":
		return c.ecsARN(kind + "/" + clusterName + "/*"), nil
	case kind == "task-definition":
		return c.definitionARN(id)
	case kind == "capacity-provider":
		name, _, f := c.arnResource(id, kind)
		if f == nil && !ecsName.MatchString(name) {
			f = invalidParameter("Invalid identifier: Identifier is not a capacity provider name")
		}
		return c.ecsARN(kind + "/" + name), f
	case kind == "service":
		return c.serviceARN(cluster, id)
	}
	return c.memberARN(kind, cluster, id, taskID)
}
