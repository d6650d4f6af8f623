package fakeaws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Every key that a request for a service carries: an Allow that asks for it
// reaches the request that has it, and no request without it.
func TestKeysOfUpdatingAService(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddService("prod", "api", map[string]string{"Environment": "staging"})
	job := w.AddTaskDefinition("job", "", "", nil)
	cases := []struct {
		key, operator, value string
		change               func(*ecs.UpdateServiceInput)
	}{
		{"ecs:task-definition", "ArnEquals", job, func(in *ecs.UpdateServiceInput) { in.TaskDefinition = aws.String("job") }},
		{"ecs:enable-execute-command", "StringEquals", "true", func(in *ecs.UpdateServiceInput) { in.EnableExecuteCommand = aws.Bool(true) }},
		{"ecs:enable-ecs-managed-tags", "Bool", "true", func(in *ecs.UpdateServiceInput) { in.EnableECSManagedTags = aws.Bool(true) }},
		{"ecs:propagate-tags", "StringEquals", "SERVICE", func(in *ecs.UpdateServiceInput) { in.PropagateTags = types.PropagateTagsService }},
		{"ecs:enable-service-connect", "Bool", "true", func(in *ecs.UpdateServiceInput) {
			in.ServiceConnectConfiguration = &types.ServiceConnectConfiguration{Enabled: true}
		}},
		{"ecs:namespace", "StringLike", "arn:aws:servicediscovery:*", func(in *ecs.UpdateServiceInput) {
			in.ServiceConnectConfiguration = &types.ServiceConnectConfiguration{Enabled: true,
				Namespace: aws.String("arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-1")}
		}},
		{"ecs:enable-ebs-volumes", "Bool", "true", func(in *ecs.UpdateServiceInput) {
			in.VolumeConfigurations = []types.ServiceVolumeConfiguration{{Name: aws.String("v")}}
		}},
		{"ecs:enable-vpc-lattice", "Bool", "true", func(in *ecs.UpdateServiceInput) {
			in.VpcLatticeConfigurations = []types.VpcLatticeConfiguration{{PortName: aws.String("p"),
				RoleArn: aws.String("arn:aws:iam::123456789012:role/lattice"), TargetGroupArn: aws.String("arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/t")}}
		}},
		{"ecs:capacity-provider", "ForAllValues:StringEquals", "FARGATE", func(in *ecs.UpdateServiceInput) {
			in.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE")}}
		}},
		{"ecs:subnet", "ForAnyValue:StringEquals", "subnet-1", subnets("ENABLED")},
		{"ecs:auto-assign-public-ip", "Bool", "true", subnets("ENABLED")},
	}
	for _, tc := range cases {
		t.Run(tc.key, func(t *testing.T) {
			c := w.as(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"},` +
				`{"Effect":"Allow","Action":"ecs:UpdateService","Resource":"*","Condition":{"` + tc.operator + `":{"` + tc.key + `":"` + tc.value + `"},"Null":{"` + tc.key + `":"false"}}}]}`)
			in := &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("api")}
			_, err := c.UpdateService(t.Context(), in)
			wantCode(t, "without it", err, "AccessDeniedException")
			tc.change(in)
			_, err = c.UpdateService(t.Context(), in)
			wantCode(t, "with it", err, "")
		})
	}
}

func TestUpdatingAServicePassesItsRoles(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddService("prod", "api", nil)
	update := func(passed string) error {
		c := w.as(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:UpdateService","Resource":"*"},` +
			`{"Effect":"Allow","Action":"iam:PassRole","Resource":"` + passed + `","Condition":{"StringEquals":{"iam:PassedToService":"ecs.amazonaws.com"}}}]}`)
		_, err := c.UpdateService(t.Context(), &ecs.UpdateServiceInput{
			Cluster: aws.String("prod"), Service: aws.String("api"),
			DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{
				{RoleArn: aws.String("arn:aws:iam::123456789012:role/hook")}}}})
		return err
	}
	wantCode(t, "another role allowed", update("arn:aws:iam::123456789012:role/other"), "AccessDeniedException")
	wantCode(t, "the hook's role allowed", update("arn:aws:iam::123456789012:role/hook"), "")
}

func subnets(public types.AssignPublicIp) func(*ecs.UpdateServiceInput) {
	return func(in *ecs.UpdateServiceInput) {
		in.NetworkConfiguration = &types.NetworkConfiguration{
			AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}, AssignPublicIp: public}}
	}
}

func TestKeysOfRegisteringATaskDefinition(t *testing.T) {
	w := newWorld(t, Role{})
	c := w.as(one(`"Effect":"Allow","Action":"ecs:RegisterTaskDefinition","Resource":"arn:aws:ecs:us-east-1:123456789012:task-definition/small:*","Condition":{` +
		`"NumericLessThanEquals":{"ecs:task-cpu":"512","ecs:task-memory":"1024"},"ForAllValues:StringEquals":{"ecs:compute-compatibility":["FARGATE"]}}`))
	register := func(family, cpu, memory string, on types.Compatibility) error {
		_, err := c.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
			Family: aws.String(family), Cpu: aws.String(cpu), Memory: aws.String(memory), RequiresCompatibilities: []types.Compatibility{on},
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("main"), Image: aws.String("i")}}})
		return err
	}
	wantCode(t, "as large as allowed", register("small", "512", "1024", "FARGATE"), "")
	wantCode(t, "too much CPU", register("small", "1024", "1024", "FARGATE"), "AccessDeniedException")
	wantCode(t, "too much memory", register("small", "256", "2048", "FARGATE"), "AccessDeniedException")
	wantCode(t, "on another launch type", register("small", "256", "512", "EC2"), "AccessDeniedException")
	wantCode(t, "of another family", register("smaller", "256", "512", "FARGATE"), "AccessDeniedException")
}

// The example boundary, with an Allow beside its denies: what it does at AWS.
func TestTheExampleBoundary(t *testing.T) {
	const boundary = `{"Version":"2012-10-17","Statement":[{"Sid":"Everything","Effect":"Allow","Action":"*","Resource":"*"},` +
		`{"Sid":"RegionRestriction","Effect":"Deny","Action":"ecs:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}},` +
		`{"Sid":"ProductionProtection","Effect":"Deny","Action":["ecs:DeleteCluster","ecs:DeleteService"],"Resource":"*","Condition":{"StringLike":{"aws:ResourceTag/Environment":"production"}}}]}`
	w := newWorld(t, Role{Boundary: boundary})
	w.AddService("prod", "web", map[string]string{"Environment": "production"})
	w.AddService("prod", "upper", map[string]string{"Environment": "Production"})
	w.AddService("prod", "plain", nil)
	c := w.as(allowAll)
	wantCode(t, "a production service", deleteService(c, "web"), "AccessDeniedException")
	if got := w.last().Reason; got != "explicitDeny boundary boundary0/ProductionProtection" {
		t.Error(got)
	}
	wantCode(t, "a value in another case is not protected", deleteService(c, "upper"), "")
	wantCode(t, "a service without the tag", deleteService(c, "plain"), "")
	elsewhere := ecs.NewFromConfig(w.config("eu-west-1", w.assume(allowAll)))
	_, err := elsewhere.ListClusters(t.Context(), &ecs.ListClustersInput{})
	wantCode(t, "another region", err, "AccessDeniedException")
	if got := w.last(); got.Reason != "explicitDeny boundary boundary0/RegionRestriction" || got.Region != "eu-west-1" {
		t.Errorf("%+v", got)
	}
}
