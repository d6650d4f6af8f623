package facts

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// ECS is what the reader calls; *ecs.Client has it.
type ECS interface {
	DescribeClusters(context.Context, *ecs.DescribeClustersInput, ...func(*ecs.Options)) (*ecs.DescribeClustersOutput, error)
	DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
	DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error)
	DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error)
}

// tagKeys are the condition keys that carry a resource's tags: AWS gives the
// same tags under both names to ECS actions.
// Source: service authorization reference, Amazon ECS, condition keys.
var tagKeys = []string{"aws:ResourceTag/", "ecs:ResourceTag/"}

// maxCached bounds the cache; it is emptied when full.
const maxCached = 4096

// Reader reads tags and keeps them for a short time. It is safe for concurrent use.
type Reader struct {
	ecs ECS
	ttl time.Duration

	mu    sync.Mutex
	cache map[string]entry // by ARN
	// writes counts Forget: an answer that was asked for before a write is not kept.
	writes int
}

type entry struct {
	tags map[string]string
	at   time.Time
}

// New returns a Reader that keeps an answer for ttl; 0 keeps none.
func New(client ECS, ttl time.Duration) *Reader {
	return &Reader{ecs: client, ttl: ttl, cache: map[string]entry{}}
}

// Fill returns accesses with the tags that could be read put into Context and
// taken off Unknown. It never fails: what could not be read stays unknown.
// Problems holds one sentence for each look-up that failed, for the record.
func (r *Reader) Fill(ctx context.Context, accesses []authz.Access) (filled []authz.Access, problems []string) {
	var wanted []target
	for _, a := range accesses {
		if t := parse(a.Resource); t.kind != none && a.IsUnknown(tagKeys[0]+"x") && !slices.Contains(wanted, t) {
			wanted = append(wanted, t)
		}
	}
	tags, problems := r.read(ctx, wanted)
	filled = slices.Clone(accesses)
	for i, a := range filled {
		if found, ok := tags[a.Resource]; ok {
			filled[i] = withTags(a, found)
		}
	}
	return filled, problems
}

func withTags(a authz.Access, tags map[string]string) authz.Access {
	a.Unknown = slices.DeleteFunc(slices.Clone(a.Unknown), func(u string) bool {
		return slices.ContainsFunc(tagKeys, func(k string) bool {
			return len(u) >= len(k) && strings.EqualFold(u[:len(k)], k)
		})
	})
	a.Context = maps.Clone(a.Context)
	if a.Context == nil {
		a.Context = map[string]authz.Value{}
	}
	// Condition keys compare without case: of two tags that differ only in it,
	// nobody can say which value AWS will compare.
	twice := map[string]int{}
	for name := range tags {
		twice[strings.ToLower(name)]++
	}
	for _, key := range tagKeys {
		for name, value := range tags {
			if twice[strings.ToLower(name)] > 1 {
				a.Unknown = append(a.Unknown, key+name)
				continue
			}
			a.Context[key+name] = authz.One(value)
		}
	}
	slices.Sort(a.Unknown)
	return a
}

// read answers from the cache and looks the rest up, in as few requests as AWS allows.
func (r *Reader) read(ctx context.Context, wanted []target) (map[string]map[string]string, []string) {
	tags := map[string]map[string]string{}
	var problems []string
	missing := map[target][]string{} // by kind and cluster
	r.mu.Lock()
	for _, t := range wanted {
		if e, ok := r.cache[t.arn]; ok && time.Since(e.at) < r.ttl {
			tags[t.arn] = e.tags
			continue
		}
		group := target{kind: t.kind, cluster: t.cluster}
		if t.kind == cluster {
			group.cluster = ""
		}
		missing[group] = append(missing[group], t.arn)
	}
	writes := r.writes
	r.mu.Unlock()
	for group, arns := range missing {
		for batch := range slices.Chunk(arns, batchSize[group.kind]) {
			found, err := r.describe(ctx, group, batch)
			if err != nil {
				problems = append(problems, "look up tags: "+reason(err))
				continue
			}
			r.keep(found, writes)
			for _, arn := range batch {
				if t, ok := found[arn]; ok {
					tags[arn] = t
				} else {
					problems = append(problems, "look up tags: "+arn+" was not found")
				}
			}
		}
	}
	slices.Sort(problems)
	return tags, problems
}

func (r *Reader) keep(found map[string]map[string]string, writes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ttl <= 0 || writes != r.writes {
		return
	}
	if len(r.cache)+len(found) > maxCached {
		clear(r.cache)
	}
	for arn, tags := range found {
		r.cache[arn] = entry{tags, time.Now()}
	}
}

// Forget drops every cached answer: after a write, tags may have changed.
func (r *Reader) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.cache)
	r.writes++
}

// batchSize is how many resources one Describe call takes.
// Source: Amazon ECS API reference, DescribeClusters, DescribeServices, DescribeTasks.
var batchSize = map[kind]int{cluster: 100, service: 10, task: 100, taskDefinition: 1}

func (r *Reader) describe(ctx context.Context, group target, arns []string) (map[string]map[string]string, error) {
	found := map[string]map[string]string{}
	switch group.kind {
	case cluster:
		out, err := r.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{
			Clusters: arns, Include: []types.ClusterField{types.ClusterFieldTags}})
		if err != nil {
			return nil, err
		}
		for _, c := range out.Clusters {
			found[aws.ToString(c.ClusterArn)] = tagMap(c.Tags)
		}
	case service:
		out, err := r.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{
			Cluster: &group.cluster, Services: arns, Include: []types.ServiceField{types.ServiceFieldTags}})
		if err != nil {
			return nil, err
		}
		for _, s := range out.Services {
			found[aws.ToString(s.ServiceArn)] = tagMap(s.Tags)
		}
	case task:
		out, err := r.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{
			Cluster: &group.cluster, Tasks: arns, Include: []types.TaskField{types.TaskFieldTags}})
		if err != nil {
			return nil, err
		}
		for _, t := range out.Tasks {
			found[aws.ToString(t.TaskArn)] = tagMap(t.Tags)
		}
	case taskDefinition:
		out, err := r.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{
			TaskDefinition: &arns[0], Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}})
		if err != nil {
			return nil, err
		}
		if out.TaskDefinition != nil {
			found[aws.ToString(out.TaskDefinition.TaskDefinitionArn)] = tagMap(out.Tags)
		}
	}
	return found, nil
}

func tagMap(tags []types.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}
