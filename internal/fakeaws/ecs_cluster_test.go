package fakeaws

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func ecsTag(key, v string) types.Tag { return types.Tag{Key: aws.String(key), Value: aws.String(v)} }

// wantCode fails unless err has the error code; "" is success.
func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%s: got %v, want %q", what, err, want)
	}
}

func TestALifeOfACluster(t *testing.T) {
	w := newWorld(t, Role{})
	c, ctx := w.userECS(), t.Context()
	created, err := c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("dev"), Tags: []types.Tag{ecsTag("Environment", "staging")}})
	if err != nil {
		t.Fatal(err)
	}
	if *created.Cluster.ClusterArn != "arn:aws:ecs:us-east-1:123456789012:cluster/dev" || !w.HasCluster("dev") {
		t.Errorf("%+v", created.Cluster)
	}
	_, err = c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("dev")})
	wantCode(t, "create it again", err, "")
	_, err = c.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("dev"), Tags: []types.Tag{ecsTag("Environment", "x")}})
	wantCode(t, "create it with other tags", err, "InvalidParameterException")

	with := func(include ...types.ClusterField) *types.Cluster {
		out, err := c.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"dev"}, Include: include})
		if err != nil || len(out.Clusters) != 1 {
			t.Fatal(out, err)
		}
		return &out.Clusters[0]
	}
	if tags := with(types.ClusterFieldTags).Tags; len(tags) != 1 || *tags[0].Key != "Environment" || *tags[0].Value != "staging" {
		t.Errorf("with TAGS: %+v", tags)
	}
	if tags := with().Tags; len(tags) != 0 {
		t.Errorf("without TAGS: %+v", tags)
	}
	task := w.AddTask("dev", "job", nil)
	w.AddService("dev", "api", nil)
	if x := with(); x.RunningTasksCount != 1 || x.ActiveServicesCount != 1 || *x.Status != "ACTIVE" {
		t.Errorf("counts: %+v", x)
	}
	remove := func() error {
		_, err := c.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: aws.String("dev")})
		return err
	}
	wantCode(t, "delete with a service", remove(), "ClusterContainsServicesException")
	_, err = c.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String("dev"), Service: aws.String("api"), Force: aws.Bool(true)})
	wantCode(t, "delete the service", err, "")
	wantCode(t, "delete with a task", remove(), "ClusterContainsTasksException")
	_, err = c.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("dev"), Task: aws.String(task)})
	wantCode(t, "stop the task", err, "")
	wantCode(t, "delete", remove(), "")
	wantCode(t, "delete again", remove(), "ClusterNotFoundException")
	if w.HasCluster("dev") || *with().Status != "INACTIVE" {
		t.Error("a deleted cluster stays as INACTIVE")
	}
	list, err := c.ListClusters(ctx, &ecs.ListClustersInput{})
	if err != nil || len(list.ClusterArns) != 0 {
		t.Errorf("listed: %v %v", list, err)
	}
}

func TestClustersThatAreNotThere(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	c, ctx := w.userECS(), t.Context()
	out, err := c.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"prod", "nope"}})
	if err != nil || len(out.Clusters) != 1 || len(out.Failures) != 1 ||
		*out.Failures[0].Reason != "MISSING" || *out.Failures[0].Arn != "arn:aws:ecs:us-east-1:123456789012:cluster/nope" {
		t.Errorf("%+v %v", out, err)
	}
	out, err = c.DescribeClusters(ctx, &ecs.DescribeClustersInput{})
	if err != nil || len(out.Failures) != 1 || !strings.HasSuffix(*out.Failures[0].Arn, "cluster/default") {
		t.Errorf("without a name it is default: %+v %v", out, err)
	}
	_, err = c.ListServices(ctx, &ecs.ListServicesInput{Cluster: aws.String("nope")})
	wantCode(t, "list its services", err, "ClusterNotFoundException")
	_, err = c.ListTasks(ctx, &ecs.ListTasksInput{})
	wantCode(t, "list tasks of default", err, "ClusterNotFoundException")
	elsewhere := ecs.NewFromConfig(w.config("eu-west-1", w.asUser()))
	_, err = elsewhere.ListServices(ctx, &ecs.ListServicesInput{Cluster: aws.String("prod")})
	wantCode(t, "the cluster of another region", err, "ClusterNotFoundException")
}

func TestIdentifiers(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddService("prod", "api", nil)
	c, ctx := w.userECS(), t.Context()
	const own = "arn:aws:ecs:us-east-1:123456789012:"
	cases := []struct{ name, cluster, service, want, says string }{
		{"names", "prod", "api", "", ""},
		{"ARNs", own + "cluster/prod", own + "service/prod/api", "", ""},
		{"a service's ARN and no cluster", "", own + "service/prod/api", "InvalidParameterException", "Identifier is for prod. Your cluster is default"},
		{"an old ARN without cluster", "prod", own + "service/api", "InvalidParameterException", "Unexpected number of separators"},
		{"an ARN of another type", "prod", own + "task/prod/api", "InvalidParameterException", "Unexpected resource type"},
		{"an ARN of another region", "arn:aws:ecs:eu-west-1:123456789012:cluster/prod", "api", "InvalidParameterException", "Unexpected region eu-west-1"},
		{"an ARN of another account", "arn:aws:ecs:us-east-1:210987654321:cluster/prod", "api", "AccessDeniedException", "no resource-based policy allows"},
		{"an ARN of another partition", "arn:aws-cn:ecs:us-east-1:123456789012:cluster/prod", "api", "InvalidParameterException", "Unexpected format"},
		{"a wildcard", "prod", "*", "InvalidParameterException", "not a service name"},
		{"a wildcard for the cluster", "p*", "api", "InvalidParameterException", "not a cluster name"},
		{"a path", "prod", "../api", "InvalidParameterException", "not a service name"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			in := &ecs.DescribeServicesInput{Services: []string{tc.service}}
			if tc.cluster != "" {
				in.Cluster = aws.String(tc.cluster)
			}
			out, err := c.DescribeServices(ctx, in)
			wantCode(t, tc.name, err, tc.want)
			if err != nil && !strings.Contains(err.Error(), tc.says) || err == nil && len(out.Services) != 1 {
				t.Errorf("%+v %v, want %q", out, err, tc.says)
			}
		})
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t, Role{})
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		w.AddService("prod", name, nil)
	}
	var all []string
	p := ecs.NewListServicesPaginator(w.userECS(), &ecs.ListServicesInput{Cluster: aws.String("prod")})
	pages := 0
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all, pages = append(all, out.ServiceArns...), pages+1
	}
	if len(all) != 12 || pages != 2 || !slices.IsSorted(all) || len(slices.Compact(all)) != 12 {
		t.Errorf("%d services in %d pages: %q", len(all), pages, all)
	}
	_, err := w.userECS().ListServices(t.Context(), &ecs.ListServicesInput{Cluster: aws.String("prod"), NextToken: aws.String("x")})
	wantCode(t, "a token of someone else", err, "InvalidParameterException")
	_, err = w.userECS().ListServices(t.Context(), &ecs.ListServicesInput{Cluster: aws.String("prod"), MaxResults: aws.Int32(101)})
	wantCode(t, "too many at once", err, "InvalidParameterException")
}
