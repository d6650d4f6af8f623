package facts

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

// answer is what was found about one resource.
type answer struct {
	tags       map[string]string
	definition definition // of a task definition only
}

// answers are by the ARN that was asked for. Cluster and stack names mean those of
// the account and region that the reader's credentials are for, so AWS's answer is
// only taken if it is about that very ARN.
type answers map[string]answer

func (found answers) add(arn *string, tags []types.Tag) {
	m := make(map[string]string, len(tags))
	for _, tag := range tags {
		m[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	found[aws.ToString(arn)] = answer{tags: m}
}

// lookup is how the tags of one kind are read.
type lookup struct {
	action string // what it needs
	batch  int    // how many resources one request takes
	read   func(context.Context, Clients, group, []string, answers) error
}

// Sources of the sizes: API reference of Amazon ECS. DescribeCapacityProviders
// takes 100 and answers 10 a page; DescribeTaskSets names no limit.
var lookups = map[kind]lookup{
	cluster:           {"ecs:DescribeClusters", 100, readClusters},
	service:           {"ecs:DescribeServices", 10, readServices},
	task:              {"ecs:DescribeTasks", 100, readTasks},
	taskSet:           {"ecs:DescribeTaskSets", 10, readTaskSets},
	taskDefinition:    {"ecs:DescribeTaskDefinition", 1, readTaskDefinition},
	containerInstance: {"ecs:DescribeContainerInstances", 100, readContainerInstances},
	capacityProvider:  {"ecs:DescribeCapacityProviders", 10, readCapacityProviders},
	stack:             {"cloudformation:DescribeStacks", 1, readStack},
	repository:        {"ecr:ListTagsForResource", 1, readRepository},
	logGroup:          {"logs:ListTagsForResource", 1, readLogGroup},
}

// Actions returns the IAM actions that looking up needs, sorted.
func Actions() []string {
	var actions []string
	for _, l := range lookups {
		actions = append(actions, l.action)
	}
	slices.Sort(actions)
	return actions
}

func readClusters(ctx context.Context, c Clients, _ group, arns []string, found answers) error {
	out, err := c.ECS.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: arns, Include: []types.ClusterField{types.ClusterFieldTags}})
	if err != nil {
		return err
	}
	for _, x := range out.Clusters {
		found.add(x.ClusterArn, x.Tags)
	}
	return nil
}

func readServices(ctx context.Context, c Clients, g group, arns []string, found answers) error {
	out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &g.cluster, Services: arns, Include: []types.ServiceField{types.ServiceFieldTags}})
	if err != nil {
		return err
	}
	for _, x := range out.Services {
		found.add(x.ServiceArn, x.Tags)
	}
	return nil
}

func readTasks(ctx context.Context, c Clients, g group, arns []string, found answers) error {
	out, err := c.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &g.cluster, Tasks: arns, Include: []types.TaskField{types.TaskFieldTags}})
	if err != nil {
		return err
	}
	for _, x := range out.Tasks {
		found.add(x.TaskArn, x.Tags)
	}
	return nil
}

func readTaskSets(ctx context.Context, c Clients, g group, arns []string, found answers) error {
	out, err := c.ECS.DescribeTaskSets(ctx, &ecs.DescribeTaskSetsInput{Cluster: &g.cluster, Service: &g.service, TaskSets: arns,
		Include: []types.TaskSetField{types.TaskSetFieldTags}})
	if err != nil {
		return err
	}
	for _, x := range out.TaskSets {
		found.add(x.TaskSetArn, x.Tags)
	}
	return nil
}

// readTaskDefinition asks for the family where the revision is open; AWS answers
// with the latest active one.
func readTaskDefinition(ctx context.Context, c Clients, _ group, arns []string, found answers) error {
	asked := arns[0]
	family, open := strings.CutSuffix(asked, ":*")
	if open {
		asked = family[strings.LastIndexByte(family, '/')+1:]
	}
	out, err := c.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &asked,
		Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}})
	if err != nil {
		return err
	}
	d := out.TaskDefinition
	if d == nil {
		return nil
	}
	arn := aws.ToString(d.TaskDefinitionArn)
	if revision, ok := strings.CutPrefix(arn, family+":"); open && !(ok && isRevision(revision)) || !open && arn != arns[0] {
		return nil
	}
	found.add(&arns[0], out.Tags)
	a := found[arns[0]]
	a.definition = definition{arn, aws.ToString(d.TaskRoleArn), aws.ToString(d.ExecutionRoleArn)}
	found[arns[0]] = a
	return nil
}

func isRevision(s string) bool {
	n, err := strconv.ParseInt(s, 10, 32)
	return err == nil && n > 0 && s == strconv.FormatInt(n, 10)
}

func readContainerInstances(ctx context.Context, c Clients, g group, arns []string, found answers) error {
	out, err := c.ECS.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{Cluster: &g.cluster, ContainerInstances: arns,
		Include: []types.ContainerInstanceField{types.ContainerInstanceFieldTags}})
	if err != nil {
		return err
	}
	for _, x := range out.ContainerInstances {
		found.add(x.ContainerInstanceArn, x.Tags)
	}
	return nil
}

func readCapacityProviders(ctx context.Context, c Clients, _ group, arns []string, found answers) error {
	out, err := c.ECS.DescribeCapacityProviders(ctx, &ecs.DescribeCapacityProvidersInput{CapacityProviders: arns,
		Include: []types.CapacityProviderField{types.CapacityProviderFieldTags}})
	if err != nil {
		return err
	}
	for _, x := range out.CapacityProviders {
		found.add(x.CapacityProviderArn, x.Tags)
	}
	return nil
}

// readStack asks by name where the id is open. AWS then answers for the account
// and region that the reader's credentials are for, so the answer's ARN is
// compared with what was asked for.
func readStack(ctx context.Context, c Clients, _ group, arns []string, found answers) error {
	name := arns[0]
	prefix, open := strings.CutSuffix(arns[0], "*")
	if open {
		name = strings.Split(prefix, "/")[1]
	}
	out, err := c.CloudFormation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return stackError(err)
	}
	for _, x := range out.Stacks {
		if id := aws.ToString(x.StackId); id != arns[0] && !(open && strings.HasPrefix(id, prefix)) {
			continue
		}
		tags := make(map[string]string, len(x.Tags))
		for _, tag := range x.Tags {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		found[arns[0]] = answer{tags: tags}
	}
	return nil
}

// stackError tells a stack that does not exist from a look-up that failed:
// CloudFormation has no error of its own for it.
// Source: CloudFormation API reference, DescribeStacks.
func stackError(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.HasSuffix(api.ErrorMessage(), "does not exist") {
		return nil
	}
	return err
}

func readRepository(ctx context.Context, c Clients, _ group, arns []string, found answers) error {
	out, err := c.ECR.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: &arns[0]})
	if err != nil {
		if gone := new(ecrtypes.RepositoryNotFoundException); errors.As(err, &gone) {
			return nil
		}
		return err
	}
	tags := make(map[string]string, len(out.Tags))
	for _, tag := range out.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	found[arns[0]] = answer{tags: tags}
	return nil
}

// readLogGroup asks by the ARN without ":*", as this API takes it.
func readLogGroup(ctx context.Context, c Clients, _ group, arns []string, found answers) error {
	arn := strings.TrimSuffix(arns[0], ":*")
	out, err := c.Logs.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		if gone := new(logstypes.ResourceNotFoundException); errors.As(err, &gone) {
			return nil
		}
		return err
	}
	found[arns[0]] = answer{tags: out.Tags}
	return nil
}
