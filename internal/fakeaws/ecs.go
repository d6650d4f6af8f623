package fakeaws

import (
	"maps"
	"slices"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// ecsTarget is the prefix of ECS's X-Amz-Target.
const ecsTarget = "AmazonEC2ContainerServiceV20141113"

// ecsOperations are the operations that have an effect here. What each one
// authorises follows the service authorization reference of Amazon ECS.
var ecsOperations = map[string]func(*call) (any, *fault){
	"ListClusters":                (*call).listClusters,
	"DescribeClusters":            (*call).describeClusters,
	"CreateCluster":               (*call).createCluster,
	"DeleteCluster":               (*call).deleteCluster,
	"ListServices":                (*call).listServices,
	"DescribeServices":            (*call).describeServices,
	"CreateService":               (*call).createService,
	"UpdateService":               (*call).updateService,
	"DeleteService":               (*call).deleteService,
	"ListTasks":                   (*call).listTasks,
	"DescribeTasks":               (*call).describeTasks,
	"RunTask":                     (*call).runTask,
	"StopTask":                    (*call).stopTask,
	"ListTaskDefinitions":         (*call).listTaskDefinitions,
	"ListTaskDefinitionFamilies":  (*call).listTaskDefinitionFamilies,
	"DescribeTaskDefinition":      (*call).describeTaskDefinition,
	"RegisterTaskDefinition":      (*call).registerTaskDefinition,
	"DeregisterTaskDefinition":    (*call).deregisterTaskDefinition,
	"DescribeContainerInstances":  (*call).describeContainerInstances,
	"DeregisterContainerInstance": (*call).deregisterContainerInstance,
	"DescribeTaskSets":            (*call).describeTaskSets,
	"DeleteTaskSet":               (*call).deleteTaskSet,
	"DescribeCapacityProviders":   (*call).describeCapacityProviders,
	"DeleteCapacityProvider":      (*call).deleteCapacityProvider,
	"TagResource":                 (*call).tagResource,
	"UntagResource":               (*call).untagResource,
	"ListTagsForResource":         (*call).listTagsForResource,
}

type object map[string]any

// decode reads the parameters: names with their case, no duplicates.
func decode(c *call, into any) *fault {
	if err := jsonv2.Unmarshal(c.body, into); err != nil {
		return serialization("the request body does not fit the operation's input")
	}
	return nil
}

// onResource returns the condition keys of an existing resource: its tags.
func (c *call) onResource(arn string) keys {
	k := keys{}
	tags := c.aws.state.tagsOf(arn)
	k.tags("aws:ResourceTag", tags)
	k.tags("ecs:ResourceTag", tags)
	k.one("aws:ResourceAccount", c.aws.account)
	return k
}

// inCluster is onResource with ecs:cluster.
func (c *call) inCluster(arn, cluster string) keys {
	k := c.onResource(arn)
	k.one("ecs:cluster", cluster)
	return k
}

// page cuts a sorted list at maxResults and says where to go on.
func page(name string, all []string, maxResults *int, token string, standard int) (object, *fault) {
	size, start := standard, 0
	if maxResults != nil {
		if size = *maxResults; size < 1 || size > 100 {
			return nil, invalidParameter("maxResults must be between 1 and 100")
		}
	}
	if token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 || n > len(all) {
			return nil, invalidParameter("Invalid token: the nextToken was not given by this operation.")
		}
		start = n
	}
	end := min(start+size, len(all))
	out := object{name: append([]string{}, all[start:end]...)}
	if end < len(all) {
		out["nextToken"] = strconv.Itoa(end)
	}
	return out, nil
}

// includes reads the include list of a Describe operation.
func includes(include []string, known ...string) (tags bool, f *fault) {
	for _, word := range include {
		if word != "TAGS" && !slices.Contains(known, word) {
			return false, invalidParameter("Unknown value %q in include.", word)
		}
	}
	return slices.Contains(include, "TAGS"), nil
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func tagList(tags map[string]string) []object {
	list := []object{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, object{"key": key, "value": tags[key]})
	}
	return list
}

func missing(arn string) object { return object{"arn": arn, "reason": "MISSING"} }
