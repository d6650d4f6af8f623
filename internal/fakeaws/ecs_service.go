package fakeaws

import (
	"encoding/json"
	"fmt"
	"strings"
)

// serviceSpec is what CreateService and UpdateService take alike.
type serviceSpec struct {
	Cluster              string `json:"cluster"`
	TaskDefinition       string `json:"taskDefinition"`
	DesiredCount         *int   `json:"desiredCount"`
	EnableExecuteCommand *bool  `json:"enableExecuteCommand"`
	CapacityProviders    []struct {
		CapacityProvider string `json:"capacityProvider"`
	} `json:"capacityProviderStrategy"`
	PropagateTags  string            `json:"propagateTags"`
	ManagedTags    *bool             `json:"enableECSManagedTags"`
	Volumes        []json.RawMessage `json:"volumeConfigurations"`
	Lattice        []json.RawMessage `json:"vpcLatticeConfigurations"`
	ServiceConnect *struct {
		Enabled   bool   `json:"enabled"`
		Namespace string `json:"namespace"`
	} `json:"serviceConnectConfiguration"`
	Network       json.RawMessage `json:"networkConfiguration"`
	LoadBalancers json.RawMessage `json:"loadBalancers"`
	Deployment    json.RawMessage `json:"deploymentConfiguration"`
}

// serviceRoles are where a service's parameters pass roles to ECS.
// Source: Amazon ECS API reference, CreateService and UpdateService.
var serviceRoles = []string{
	"role",
	"loadBalancers[].advancedConfiguration.roleArn",
	"deploymentConfiguration.lifecycleHooks[].roleArn",
	"serviceConnectConfiguration.services[].tls.roleArn",
	"volumeConfigurations[].managedEBSVolume.roleArn",
	"vpcLatticeConfigurations[].roleArn",
}

// keys returns the condition keys of creating or changing a service.
func (s serviceSpec) keys(cluster, definition string) keys {
	k := keys{}
	k.one("ecs:cluster", cluster)
	if definition != "" {
		k.one("ecs:task-definition", definition)
	}
	if s.EnableExecuteCommand != nil {
		k.one("ecs:enable-execute-command", fmt.Sprint(*s.EnableExecuteCommand))
	}
	if s.ManagedTags != nil {
		k.one("ecs:enable-ecs-managed-tags", fmt.Sprint(*s.ManagedTags))
	}
	if s.PropagateTags != "" {
		k.one("ecs:propagate-tags", s.PropagateTags)
	}
	if len(s.Volumes) > 0 {
		k.one("ecs:enable-ebs-volumes", "true")
	}
	if len(s.Lattice) > 0 {
		k.one("ecs:enable-vpc-lattice", "true")
	}
	if s.ServiceConnect != nil {
		k.one("ecs:enable-service-connect", fmt.Sprint(s.ServiceConnect.Enabled))
		if s.ServiceConnect.Namespace != "" {
			k.one("ecs:namespace", s.ServiceConnect.Namespace)
		}
	}
	for _, p := range s.CapacityProviders {
		k.many("ecs:capacity-provider", append(k["ecs:capacity-provider"].values, p.CapacityProvider)...)
	}
	var network struct {
		VPC struct {
			Subnets        []string `json:"subnets"`
			AssignPublicIP string   `json:"assignPublicIp"`
		} `json:"awsvpcConfiguration"`
	}
	if json.Unmarshal(s.Network, &network) == nil && len(network.VPC.Subnets) > 0 {
		k.many("ecs:subnet", network.VPC.Subnets...)
		k.one("ecs:auto-assign-public-ip", fmt.Sprint(network.VPC.AssignPublicIP == "ENABLED"))
	}
	return k
}

// apply stores what was given.
func (s serviceSpec) apply(x *service) {
	if s.DesiredCount != nil {
		x.desired = *s.DesiredCount
	}
	if s.EnableExecuteCommand != nil {
		x.executeCommand = *s.EnableExecuteCommand
	}
	if x.echo == nil {
		x.echo = map[string]json.RawMessage{}
	}
	for name, v := range map[string]json.RawMessage{
		"networkConfiguration": s.Network, "loadBalancers": s.LoadBalancers, "deploymentConfiguration": s.Deployment,
	} {
		if v != nil {
			x.echo[name] = v
		}
	}
}

func (c *call) createService() (any, *fault) {
	var in struct {
		serviceSpec
		ServiceName string  `json:"serviceName"`
		LaunchType  string  `json:"launchType"`
		Tags        tagSpec `json:"tags"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	arn, f := c.serviceARN(cluster, in.ServiceName)
	if f != nil || strings.HasPrefix(in.ServiceName, "arn:") {
		return nil, invalidParameter("Invalid service name.")
	}
	tags, f := in.Tags.read()
	if f != nil {
		return nil, f
	}
	definition, f := c.definitionARN(in.TaskDefinition)
	if f != nil {
		return nil, f
	}
	accesses := c.creating("ecs:CreateService", arn, tags, in.keys(cluster, definition))
	accesses = append(accesses, c.passing(ecsService, serviceRoles...)...)
	accesses = append(accesses, c.passingOf(definition, "", "")...)
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	state := c.aws.state
	switch d := state.definitions[definition]; {
	case state.activeCluster(cluster) == nil:
		return nil, clusterNotFound()
	case d == nil || d.status != active:
		return nil, clientFault("TaskDefinition not found.")
	case state.activeService(arn) != nil:
		return nil, invalidParameter("Creation of service was not idempotent.")
	case in.DesiredCount != nil && *in.DesiredCount < 0:
		return nil, invalidParameter("desiredCount cannot be negative.")
	}
	x := &service{
		arn: arn, name: in.ServiceName, status: active, cluster: cluster, definition: definition,
		launchType: in.LaunchType, created: c.at, tags: tags,
	}
	if x.launchType == "" {
		x.launchType = "EC2"
	}
	in.apply(x)
	state.services[arn] = x
	return object{"service": serviceObject(x, true)}, nil
}

func (c *call) updateService() (any, *fault) {
	var in struct {
		serviceSpec
		Service string `json:"service"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	arn, f := c.serviceARN(cluster, in.Service)
	if f != nil {
		return nil, f
	}
	definition := ""
	if in.TaskDefinition != "" {
		if definition, f = c.definitionARN(in.TaskDefinition); f != nil {
			return nil, f
		}
	}
	k := c.onResource(arn).with(in.keys(cluster, definition))
	accesses := append([]access{{"ecs:UpdateService", arn, k}}, c.passing(ecsService, serviceRoles...)...)
	if f := c.authorize(accesses...); f != nil {
		return nil, f
	}
	x, f := c.foundService(cluster, arn)
	if f != nil {
		return nil, f
	}
	if in.DesiredCount != nil && *in.DesiredCount < 0 {
		return nil, invalidParameter("desiredCount cannot be negative.")
	}
	if definition != "" {
		if d := c.aws.state.definitions[definition]; d == nil || d.status != active {
			return nil, clientFault("TaskDefinition not found.")
		}
		x.definition = definition
	}
	in.apply(x)
	return object{"service": serviceObject(x, true)}, nil
}

func (c *call) deleteService() (any, *fault) {
	var in struct {
		Cluster string `json:"cluster"`
		Service string `json:"service"`
		Force   bool   `json:"force"`
	}
	if f := decode(c, &in); f != nil {
		return nil, f
	}
	cluster, f := c.clusterARN(in.Cluster)
	if f != nil {
		return nil, f
	}
	arn, f := c.serviceARN(cluster, in.Service)
	if f != nil {
		return nil, f
	}
	if f := c.authorize(access{"ecs:DeleteService", arn, c.inCluster(arn, cluster)}); f != nil {
		return nil, f
	}
	x, f := c.foundService(cluster, arn)
	if f != nil {
		return nil, f
	}
	if x.desired > 0 && !in.Force {
		return nil, invalidParameter("The service cannot be stopped while it is scaled above 0.")
	}
	x.desired, x.status = 0, "DRAINING"
	out := object{"service": serviceObject(x, true)}
	x.status = inactive
	return out, nil
}

// foundService returns an active service, or says what is missing.
func (c *call) foundService(cluster, arn string) (*service, *fault) {
	state := c.aws.state
	if state.activeCluster(cluster) == nil {
		return nil, clusterNotFound()
	}
	if x := state.activeService(arn); x != nil {
		return x, nil
	}
	if state.services[arn] != nil && c.operation == "UpdateService" {
		return nil, newFault("ServiceNotActiveException", "Service was not ACTIVE.")
	}
	return nil, serviceNotFound()
}
