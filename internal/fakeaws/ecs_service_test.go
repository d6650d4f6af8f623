package fakeaws

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestALifeOfAService(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	w.AddTaskDefinition("api", "", "", nil)
	c, ctx := w.userECS(), t.Context()
	in := &ecs.CreateServiceInput{
		Cluster: aws.String("prod"), ServiceName: aws.String("api"), TaskDefinition: aws.String("api"), DesiredCount: aws.Int32(2),
		LaunchType: types.LaunchTypeFargate, Tags: []types.Tag{ecsTag("Environment", "production")},
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	}
	_, err := c.CreateService(ctx, in)
	wantCode(t, "create", err, "")
	_, err = c.CreateService(ctx, in)
	wantCode(t, "create again", err, "InvalidParameterException")
	describe := func(name string) *ecs.DescribeServicesOutput {
		out, err := c.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{name}, Include: []types.ServiceField{"TAGS"}})
		wantCode(t, "describe "+name, err, "")
		return out
	}
	s := describe("api").Services[0]
	if *s.ServiceName != "api" || s.DesiredCount != 2 || s.LaunchType != "FARGATE" || *s.TaskDefinition != "arn:aws:ecs:us-east-1:123456789012:task-definition/api:1" ||
		*s.Tags[0].Value != "production" || s.NetworkConfiguration.AwsvpcConfiguration.Subnets[0] != "subnet-1" || s.Deployments[0].DesiredCount != 2 {
		t.Errorf("%+v", s)
	}
	if out := describe("nope"); len(out.Services) != 0 || *out.Failures[0].Reason != "MISSING" {
		t.Errorf("a service that is not there: %+v", out)
	}
	_, err = c.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("api"), DesiredCount: aws.Int32(5)})
	wantCode(t, "update", err, "")
	if n, ok := w.DesiredCount("prod", "api"); !ok || n != 5 {
		t.Errorf("desired count %d %t", n, ok)
	}
	_, err = c.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("api"), TaskDefinition: aws.String("nope:1")})
	wantCode(t, "update to a task definition that is not there", err, "ClientException")
	_, err = c.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("nope")})
	wantCode(t, "update of none", err, "ServiceNotFoundException")
	remove := func(force bool) error {
		_, err := c.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("api"), Force: aws.Bool(force)})
		return err
	}
	wantCode(t, "delete while it has tasks", remove(false), "InvalidParameterException")
	wantCode(t, "delete by force", remove(true), "")
	wantCode(t, "delete again", remove(true), "ServiceNotFoundException")
	if w.HasService("prod", "api") || *describe("api").Services[0].Status != "INACTIVE" {
		t.Error("a deleted service stays as INACTIVE")
	}
	_, err = c.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("api")})
	wantCode(t, "update of the deleted one", err, "ServiceNotActiveException")
}

func TestLimitsOfDescribing(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	c, ctx := w.userECS(), t.Context()
	names := func(n int) []string {
		all := []string{}
		for i := range n {
			all = append(all, fmt.Sprintf("x%d", i))
		}
		return all
	}
	for n, want := range map[int]string{0: "InvalidParameterException", 1: "", 10: "", 11: "InvalidParameterException"} {
		_, err := c.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: names(n)})
		wantCode(t, fmt.Sprintf("describe %d services", n), err, want)
	}
	for n, want := range map[int]string{0: "InvalidParameterException", 100: "", 101: "InvalidParameterException"} {
		_, err := c.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: names(n)})
		wantCode(t, fmt.Sprintf("describe %d tasks", n), err, want)
	}
	for n, want := range map[int]string{100: "", 101: "InvalidParameterException"} {
		_, err := c.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: names(n)})
		wantCode(t, fmt.Sprintf("describe %d clusters", n), err, want)
	}
}

// What a policy must allow for creating a service, one statement at a time.
func TestCreatingAServiceNeedsAllItDoes(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	w.AddTaskDefinition("api", "arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/exec", nil)
	const service = "arn:aws:ecs:us-east-1:123456789012:service/prod/api"
	statements := []string{
		`{"Effect":"Allow","Action":"ecs:CreateService","Resource":"` + service + `","Condition":{` +
			`"ArnEquals":{"ecs:cluster":"arn:aws:ecs:us-east-1:123456789012:cluster/prod","ecs:task-definition":"arn:aws:ecs:us-east-1:123456789012:task-definition/api:1"},` +
			`"StringEquals":{"aws:RequestTag/team":"blue"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"],"ecs:subnet":["subnet-1"]},` +
			`"Bool":{"ecs:auto-assign-public-ip":"false"}}}`,
		`{"Effect":"Allow","Action":"ecs:TagResource","Resource":"` + service + `","Condition":{"StringEquals":{"ecs:CreateAction":"CreateService"}}}`,
		`{"Effect":"Allow","Action":"iam:PassRole","Resource":["arn:aws:iam::123456789012:role/task","arn:aws:iam::123456789012:role/exec"],"Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}}`,
		`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/lb","Condition":{"StringEquals":{"iam:PassedToService":"ecs.amazonaws.com"}}}`,
	}
	create := func(policy []string) error {
		joined := ""
		for _, s := range policy {
			joined += "," + s
		}
		c := w.as(`{"Version":"2012-10-17","Statement":[` + joined[1:] + `]}`)
		_, err := c.CreateService(t.Context(), &ecs.CreateServiceInput{
			Cluster: aws.String("prod"), ServiceName: aws.String("api"), TaskDefinition: aws.String("api"), Role: aws.String("lb"),
			Tags: []types.Tag{ecsTag("team", "blue")}, EnableExecuteCommand: false,
			NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
		})
		return err
	}
	for i := range statements {
		less := append(slices.Clone(statements[:i]), statements[i+1:]...)
		wantCode(t, fmt.Sprintf("without statement %d", i), create(less), "AccessDeniedException")
	}
	// The SDK leaves enableExecuteCommand out when it is false: the key is absent.
	never := append(slices.Clone(statements[1:]),
		`{"Effect":"Allow","Action":"ecs:CreateService","Resource":"*","Condition":{"StringEquals":{"ecs:enable-execute-command":"false"}}}`)
	wantCode(t, "with a key that the request does not carry", create(never), "AccessDeniedException")
	if w.HasService("prod", "api") {
		t.Fatal("a refused call made the service")
	}
	wantCode(t, "with all statements", create(statements), "")
	want := []string{service, "arn:aws:iam::123456789012:role/lb", "arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/exec"}
	if got := w.last().Resource; !slices.Equal(got, want) {
		t.Errorf("authorised resources: %q", got)
	}
}
