package fakeaws

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

var staging = map[string]string{"Environment": "staging"}

func TestContainerInstancesAreDescribedAndDeregistered(t *testing.T) {
	w := newWorld(t, Role{})
	arn := w.AddContainerInstance("prod", staging)
	in := &ecs.DescribeContainerInstancesInput{Cluster: aws.String("prod"), ContainerInstances: []string{arn, "1a"},
		Include: []types.ContainerInstanceField{types.ContainerInstanceFieldTags}}
	out, err := w.userECS().DescribeContainerInstances(t.Context(), in)
	wantCode(t, "describe", err, "")
	if len(out.ContainerInstances) != 1 || *out.ContainerInstances[0].Tags[0].Value != "staging" || len(out.Failures) != 1 {
		t.Errorf("%+v", out)
	}
	deregister := &ecs.DeregisterContainerInstanceInput{Cluster: aws.String("prod"), ContainerInstance: &arn}
	_, err = w.userECS().DeregisterContainerInstance(t.Context(), deregister)
	wantCode(t, "deregister", err, "")
	_, err = w.userECS().DeregisterContainerInstance(t.Context(), deregister)
	wantCode(t, "deregister again", err, "InvalidParameterException")
	in.Cluster = aws.String("nowhere")
	in.ContainerInstances = []string{"1a"}
	_, err = w.userECS().DescribeContainerInstances(t.Context(), in)
	wantCode(t, "describe in no cluster", err, "ClusterNotFoundException")
}

func TestTaskSetsAreDescribedAndDeleted(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddService("prod", "api", nil)
	arn := w.AddTaskSet("prod", "api", staging)
	in := &ecs.DescribeTaskSetsInput{Cluster: aws.String("prod"), Service: aws.String("api"), TaskSets: []string{arn, "ecs-svc/1"}, Include: []types.TaskSetField{types.TaskSetFieldTags}}
	out, err := w.userECS().DescribeTaskSets(t.Context(), in)
	wantCode(t, "describe", err, "")
	if len(out.TaskSets) != 1 || *out.TaskSets[0].Tags[0].Value != "staging" || len(out.Failures) != 1 {
		t.Errorf("%+v", out)
	}
	id := arn[strings.Index(arn, "ecs-svc/"):]
	_, err = w.userECS().DeleteTaskSet(t.Context(), &ecs.DeleteTaskSetInput{Cluster: in.Cluster, Service: in.Service, TaskSet: &id})
	wantCode(t, "delete", err, "")
	if w.Tags(arn) != nil {
		t.Error("it is still there")
	}
	in.Service = aws.String("other")
	_, err = w.userECS().DescribeTaskSets(t.Context(), in)
	wantCode(t, "describe another service's", err, "InvalidParameterException")
	in.TaskSets = []string{"ecs-svc/1"}
	_, err = w.userECS().DescribeTaskSets(t.Context(), in)
	wantCode(t, "describe no service's", err, "ServiceNotFoundException")
}

func TestCapacityProvidersComeTenAtATime(t *testing.T) {
	w := newWorld(t, Role{})
	in := &ecs.DescribeCapacityProvidersInput{Include: []types.CapacityProviderField{types.CapacityProviderFieldTags}}
	for i := range 11 {
		in.CapacityProviders = append(in.CapacityProviders, w.AddCapacityProvider(fmt.Sprintf("burst-%d", i), staging))
	}
	for _, names := range [][]string{in.CapacityProviders, nil} {
		in.CapacityProviders, in.NextToken = names, nil
		out, err := w.userECS().DescribeCapacityProviders(t.Context(), in)
		wantCode(t, "describe", err, "")
		if len(out.CapacityProviders) != 10 || *out.CapacityProviders[0].Tags[0].Value != "staging" {
			t.Fatalf("%+v", out)
		}
		in.NextToken = out.NextToken
		if out, err = w.userECS().DescribeCapacityProviders(t.Context(), in); err != nil || len(out.CapacityProviders) != 1 || out.NextToken != nil {
			t.Errorf("%+v, %v", out, err)
		}
	}
	_, err := w.userECS().DeleteCapacityProvider(t.Context(), &ecs.DeleteCapacityProviderInput{CapacityProvider: aws.String("burst-3")})
	wantCode(t, "delete", err, "")
	_, err = w.userECS().DeleteCapacityProvider(t.Context(), &ecs.DeleteCapacityProviderInput{CapacityProvider: aws.String("burst-3")})
	wantCode(t, "delete again", err, "InvalidParameterException")
}

func TestStacksAreFoundByNameAndByIDAndByTheirPolicies(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddStack("web", map[string]string{"Environment": "production"})
	arn := w.AddStack("web", staging) // the name's next stack
	w.AddStack("web-2", map[string]string{"Environment": "production"})
	client := cloudformation.NewFromConfig(w.config("us-east-1", w.asUser()))
	for _, name := range []string{"web", arn} {
		out, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		wantCode(t, name, err, "")
		if len(out.Stacks) != 1 || *out.Stacks[0].StackId != arn || *out.Stacks[0].Tags[0].Value != "staging" {
			t.Errorf("%+v", out)
		}
	}
	for name, want := range map[string]string{"we": "ValidationError", arn[:len(arn)-1]: "ValidationError", arn + "0": "ValidationError", "web/": "ValidationError", "*": "ValidationError",
		"arn:aws:cloudformation:eu-west-1:123456789012:stack/web/1": "ValidationError"} {
		_, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		wantCode(t, name, err, want)
	}
	session := cloudformation.NewFromConfig(w.config("us-east-1", w.assume(one(`"Effect":"Allow","Action":"cloudformation:*","Resource":"arn:aws:cloudformation:us-east-1:123456789012:stack/web/*"`))))
	_, err := session.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("web-2")})
	wantCode(t, "delete another", err, "AccessDenied")
	_, err = session.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("web")})
	wantCode(t, "delete", err, "")
	_, err = session.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("web")})
	wantCode(t, "delete again", err, "")
	if w.Tags(arn) != nil {
		t.Error("it is still there")
	}
}

func TestRepositoriesHaveTags(t *testing.T) {
	w := newWorld(t, Role{})
	arn := w.AddRepository("web-repo", staging)
	client := ecr.NewFromConfig(w.config("us-east-1", w.asUser()))
	out, err := client.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: &arn})
	wantCode(t, "list", err, "")
	if len(out.Tags) != 1 || *out.Tags[0].Key != "Environment" || *out.Tags[0].Value != "staging" {
		t.Errorf("%+v", out)
	}
	for name, want := range map[string]string{arn + "x": "RepositoryNotFoundException", "web-repo": "InvalidParameterException"} {
		_, err := client.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: &name})
		wantCode(t, name, err, want)
	}
	session := ecr.NewFromConfig(w.config("us-east-1", w.assume(one(`"Effect":"Allow","Action":"ecr:*","Resource":"*","Condition":{"StringEquals":{"ecr:ResourceTag/Environment":"production"}}`))))
	_, err = session.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: &arn})
	wantCode(t, "list without permission", err, "AccessDeniedException")
}

func TestLogGroupsHaveTags(t *testing.T) {
	w := newWorld(t, Role{})
	arn := w.AddLogGroup("/ecs/shop", staging)
	client := cloudwatchlogs.NewFromConfig(w.config("us-east-1", w.asUser()))
	out, err := client.ListTagsForResource(t.Context(), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
	wantCode(t, "list", err, "")
	if len(out.Tags) != 1 || out.Tags["Environment"] != "staging" {
		t.Errorf("%+v", out)
	}
	for name, want := range map[string]string{arn + "x": "ResourceNotFoundException", arn + ":*": "InvalidParameterException"} {
		_, err := client.ListTagsForResource(t.Context(), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &name})
		wantCode(t, name, err, want)
	}
	session := cloudwatchlogs.NewFromConfig(w.config("us-east-1", w.assume(one(`"Effect":"Allow","Action":"logs:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Environment":"production"}}`))))
	_, err = session.ListTagsForResource(t.Context(), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
	wantCode(t, "list without permission", err, "AccessDeniedException")
}
