package fakeaws

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestALifeOfATask(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	w.AddTaskDefinition("job", "", "", nil)
	c, ctx := w.userECS(), t.Context()
	ran, err := c.RunTask(ctx, &ecs.RunTaskInput{
		Cluster: aws.String("prod"), TaskDefinition: aws.String("job"), Count: aws.Int32(2), StartedBy: aws.String("me"),
		EnableExecuteCommand: true, Tags: []types.Tag{ecsTag("team", "blue")},
	})
	if err != nil || len(ran.Tasks) != 2 || !ran.Tasks[0].EnableExecuteCommand {
		t.Fatalf("%+v %v", ran, err)
	}
	list := func(change func(*ecs.ListTasksInput)) []string {
		in := &ecs.ListTasksInput{Cluster: aws.String("prod")}
		change(in)
		out, err := c.ListTasks(ctx, in)
		wantCode(t, "list tasks", err, "")
		return out.TaskArns
	}
	for name, count := range map[string]int{
		"job": len(list(func(in *ecs.ListTasksInput) { in.Family = aws.String("job") })),
		"me":  len(list(func(in *ecs.ListTasksInput) { in.StartedBy = aws.String("me") })),
		"all": len(list(func(*ecs.ListTasksInput) {})),
	} {
		if count != 2 {
			t.Errorf("list by %s: %d", name, count)
		}
	}
	if none := list(func(in *ecs.ListTasksInput) { in.Family = aws.String("jo") }); len(none) != 0 {
		t.Errorf("a family's beginning listed %q", none)
	}
	arn := *ran.Tasks[0].TaskArn
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	_, err = c.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("prod"), Task: aws.String(id), Reason: aws.String("done")})
	wantCode(t, "stop by id", err, "")
	if got := list(func(in *ecs.ListTasksInput) { in.DesiredStatus = types.DesiredStatusStopped }); !slices.Equal(got, []string{arn}) {
		t.Errorf("stopped tasks: %q", got)
	}
	out, err := c.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{arn, "nope"}, Include: []types.TaskField{"TAGS"}})
	if err != nil || len(out.Tasks) != 1 || *out.Tasks[0].LastStatus != "STOPPED" || *out.Tasks[0].StoppedReason != "done" ||
		*out.Tasks[0].Tags[0].Value != "blue" || *out.Failures[0].Reason != "MISSING" {
		t.Errorf("%+v %v", out, err)
	}
	_, err = c.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String("prod"), Task: aws.String("nope")})
	wantCode(t, "stop of none", err, "InvalidParameterException")
	_, err = c.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("nope")})
	wantCode(t, "run of none", err, "ClientException")
	_, err = c.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("job"), Count: aws.Int32(11)})
	wantCode(t, "run of eleven", err, "InvalidParameterException")
}

// AWS names resource "*" when tasks of a whole cluster are listed, so that a
// policy on container instances does not reach; see
// https://github.com/cdklabs/construct-hub/pull/1207.
func TestListTasksIsScopedByTheClusterKeyAlone(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddTask("prod", "job", nil)
	w.AddTask("dev", "job", nil)
	list := func(policy, cluster string) error {
		_, err := w.as(policy).ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String(cluster)})
		return err
	}
	instances := one(`"Effect":"Allow","Action":"ecs:ListTasks","Resource":"arn:aws:ecs:us-east-1:123456789012:container-instance/prod/*"`)
	wantCode(t, "a policy on container instances", list(instances, "prod"), "AccessDeniedException")
	cluster := one(`"Effect":"Allow","Action":"ecs:ListTasks","Resource":"*","Condition":{"ArnEquals":{"ecs:cluster":"arn:aws:ecs:us-east-1:123456789012:cluster/prod"}}`)
	wantCode(t, "a policy on the cluster key", list(cluster, "prod"), "")
	wantCode(t, "the same on another cluster", list(cluster, "dev"), "AccessDeniedException")
	_, err := w.as(instances).ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod"), ContainerInstance: aws.String("abc")})
	wantCode(t, "a policy on container instances, one named", err, "")
}

func TestRunningATaskPassesItsRoles(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	w.AddTaskDefinition("job", "arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/overridden", nil)
	run := func(passed ...string) error {
		c := w.as(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:RunTask","Resource":"arn:aws:ecs:us-east-1:123456789012:task-definition/job:*"},` +
			`{"Effect":"Allow","Action":"iam:PassRole","Resource":["` + strings.Join(passed, `","`) + `"],"Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}}]}`)
		_, err := c.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("job"),
			Overrides: &types.TaskOverride{ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/exec")}})
		return err
	}
	const task, exec = "arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/exec"
	wantCode(t, "without the task definition's role", run(exec), "AccessDeniedException")
	wantCode(t, "without the override's role", run(task), "AccessDeniedException")
	wantCode(t, "with both", run(task, exec), "")
}

func TestTaggingATaskNeedsTagResource(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	w.AddTaskDefinition("job", "", "", nil)
	run := func(more string) error {
		c := w.as(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:RunTask","Resource":"*"}` + more + `]}`)
		_, err := c.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("job"), Tags: []types.Tag{ecsTag("a", "b")}})
		return err
	}
	wantCode(t, "without it", run(""), "AccessDeniedException")
	wantCode(t, "with it", run(`,{"Effect":"Allow","Action":"ecs:TagResource","Resource":"arn:aws:ecs:us-east-1:123456789012:task/prod/*",`+
		`"Condition":{"StringEquals":{"ecs:CreateAction":"RunTask","aws:RequestTag/a":"b"}}}`), "")
}

func TestALifeOfATaskDefinition(t *testing.T) {
	w := newWorld(t, Role{})
	c, ctx := w.userECS(), t.Context()
	register := func() *ecs.RegisterTaskDefinitionOutput {
		out, err := c.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("api"), TaskRoleArn: aws.String("arn:aws:iam::123456789012:role/task"), Cpu: aws.String("256"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("main"), Image: aws.String("example/api:1"),
				Environment: []types.KeyValuePair{{Name: aws.String("TOKEN"), Value: aws.String("canary")}}}},
			Tags: []types.Tag{ecsTag("team", "blue")},
		})
		wantCode(t, "register", err, "")
		return out
	}
	register()
	if out := register(); out.TaskDefinition.Revision != 2 || *out.TaskDefinition.TaskDefinitionArn != "arn:aws:ecs:us-east-1:123456789012:task-definition/api:2" {
		t.Errorf("%+v", out.TaskDefinition)
	}
	if r := w.last(); strings.Contains(string(r.Params), "canary") || !strings.Contains(string(r.Params), `"TOKEN"`) {
		t.Errorf("recorded parameters: %s", r.Params)
	}
	out, err := c.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("api"), Include: []types.TaskDefinitionField{"TAGS"}})
	if err != nil || out.TaskDefinition.Revision != 2 || *out.TaskDefinition.ContainerDefinitions[0].Environment[0].Value != "canary" ||
		*out.TaskDefinition.Cpu != "256" || *out.TaskDefinition.TaskRoleArn != "arn:aws:iam::123456789012:role/task" || *out.Tags[0].Value != "blue" {
		t.Errorf("%+v %v", out, err)
	}
	_, err = c.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("api:2")})
	wantCode(t, "deregister", err, "")
	list, err := c.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{FamilyPrefix: aws.String("api")})
	if err != nil || !slices.Equal(list.TaskDefinitionArns, []string{"arn:aws:ecs:us-east-1:123456789012:task-definition/api:1"}) {
		t.Errorf("%v %v", list, err)
	}
	families, err := c.ListTaskDefinitionFamilies(ctx, &ecs.ListTaskDefinitionFamiliesInput{FamilyPrefix: aws.String("a")})
	if err != nil || !slices.Equal(families.Families, []string{"api"}) {
		t.Errorf("%v %v", families, err)
	}
	_, err = c.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("api:9")})
	wantCode(t, "describe none", err, "ClientException")
	_, err = c.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("api:*")})
	wantCode(t, "describe a wildcard", err, "ClientException")
	_, err = c.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("a/b"), ContainerDefinitions: []types.ContainerDefinition{}})
	wantCode(t, "register a bad name", err, "ClientException")
	_, err = c.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("b"), ContainerDefinitions: []types.ContainerDefinition{}})
	wantCode(t, "register without containers", err, "ClientException")
}

// DeregisterTaskDefinition has neither resource-level permission nor condition
// keys: a Deny on a tag never fires, and an Allow on an ARN never reaches.
func TestNoPolicyProtectsATaskDefinitionByItsTags(t *testing.T) {
	w := newWorld(t, Role{Boundary: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},` +
		`{"Effect":"Deny","Action":"ecs:DeregisterTaskDefinition","Resource":"*","Condition":{"StringLike":{"aws:ResourceTag/Environment":"production"}}}]}`})
	arn := w.AddTaskDefinition("api", "", "", map[string]string{"Environment": "production"})
	deregister := func(policy string) error {
		_, err := w.as(policy).DeregisterTaskDefinition(t.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("api:1")})
		return err
	}
	wantCode(t, "allowed on the ARN", deregister(one(`"Effect":"Allow","Action":"ecs:*","Resource":"`+arn+`"`)), "AccessDeniedException")
	wantCode(t, "allowed on a star", deregister(one(`"Effect":"Allow","Action":"ecs:*","Resource":"*"`)), "")
}
