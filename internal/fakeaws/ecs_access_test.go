package fakeaws

import (
	"strings"
	"testing"
)

// What every operation asks the policies: its action, on the resource that it
// names, with that resource's tags and cluster where the service authorization
// reference lists them.
func TestWhatEveryOperationAuthorises(t *testing.T) {
	const (
		arn     = "arn:aws:ecs:us-east-1:123456789012:"
		cluster = arn + "cluster/prod"
		service = arn + "service/prod/api"
		job     = arn + "task-definition/job:1"
	)
	tags := map[string]string{"Environment": "staging"}
	rows := []struct {
		operation, body, resource string
		tagged, clustered         bool
	}{
		{"ListClusters", `{}`, "*", false, false},
		{"DescribeClusters", `{"clusters":["prod"]}`, cluster, true, false},
		{"CreateCluster", `{"clusterName":"new"}`, arn + "cluster/new", false, false},
		{"DeleteCluster", `{"cluster":"prod"}`, cluster, true, false},
		{"ListServices", `{"cluster":"prod"}`, "*", false, true},
		{"DescribeServices", `{"cluster":"prod","services":["api"]}`, service, true, true},
		{"CreateService", `{"cluster":"prod","serviceName":"new","taskDefinition":"job"}`, arn + "service/prod/new", false, true},
		{"UpdateService", `{"cluster":"prod","service":"api"}`, service, true, true},
		{"DeleteService", `{"cluster":"prod","service":"api"}`, service, true, true},
		{"ListTasks", `{"cluster":"prod"}`, "*", false, true},
		{"DescribeTasks", `{"cluster":"prod","tasks":["TASK"]}`, arn + "task/prod/TASK", true, true},
		{"RunTask", `{"cluster":"prod","taskDefinition":"job"}`, job, true, true},
		{"StopTask", `{"cluster":"prod","task":"TASK"}`, arn + "task/prod/TASK", true, true},
		{"ListTaskDefinitions", `{}`, "*", false, false},
		{"ListTaskDefinitionFamilies", `{}`, "*", false, false},
		{"DescribeTaskDefinition", `{"taskDefinition":"job"}`, "*", false, false},
		{"RegisterTaskDefinition", `{"family":"job"}`, arn + "task-definition/job:*", false, false},
		{"DeregisterTaskDefinition", `{"taskDefinition":"job:1"}`, "*", false, false},
		{"DescribeContainerInstances", `{"cluster":"prod","containerInstances":["INSTANCE"]}`, arn + "container-instance/prod/INSTANCE", true, true},
		{"DeregisterContainerInstance", `{"cluster":"prod","containerInstance":"INSTANCE"}`, cluster, true, false},
		{"DescribeTaskSets", `{"cluster":"prod","service":"api","taskSets":["SET"]}`, arn + "task-set/prod/api/SET", true, true},
		{"DeleteTaskSet", `{"cluster":"prod","service":"api","taskSet":"SET"}`, arn + "task-set/prod/api/SET", true, true},
		{"DescribeCapacityProviders", `{"capacityProviders":["burst"]}`, arn + "capacity-provider/burst", true, false},
		{"DeleteCapacityProvider", `{"capacityProvider":"burst"}`, arn + "capacity-provider/burst", true, false},
		{"TagResource", `{"resourceArn":"` + service + `","tags":[]}`, service, true, false},
		{"UntagResource", `{"resourceArn":"` + cluster + `","tagKeys":[]}`, cluster, true, false},
		{"ListTagsForResource", `{"resourceArn":"` + job + `"}`, job, true, false},
	}
	inTable := map[string]bool{}
	for _, row := range rows {
		inTable[row.operation] = true
		t.Run(row.operation, func(t *testing.T) {
			w := newWorld(t, Role{})
			w.AddCluster("prod", tags)
			w.AddService("prod", "api", tags)
			w.AddTaskDefinition("job", "", "", tags)
			task := w.AddTask("prod", "job", tags)
			id := task[strings.LastIndexByte(task, '/')+1:]
			instance, set := w.AddContainerInstance("prod", tags), w.AddTaskSet("prod", "api", tags)
			w.AddCapacityProvider("burst", tags)
			named := strings.NewReplacer("TASK", id, "INSTANCE", instance[strings.LastIndexByte(instance, '/')+1:],
				"SET", strings.TrimPrefix(set, arn+"task-set/prod/api/")).Replace
			allowed := func(resource, environment, clusterName string) bool {
				var conditions []string
				if row.tagged {
					conditions = append(conditions, `"StringEquals":{"aws:ResourceTag/Environment":"`+environment+`"}`)
				}
				if row.clustered {
					conditions = append(conditions, `"ArnEquals":{"ecs:cluster":"`+arn+"cluster/"+clusterName+`"}`)
				}
				c, err := w.assume(one(`"Effect":"Allow","Action":"ecs:` + row.operation + `","Resource":"` + resource +
					`","Condition":{` + strings.Join(conditions, ",") + `}`)).Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				s := w.signing()
				s.key, s.token, s.body, s.header = Key{c.AccessKeyID, c.SecretAccessKey}, c.SessionToken, named(row.body), target(row.operation)
				_, body := w.send(w.sign(s))
				denied := strings.Contains(body, "AccessDeniedException")
				if last := w.last(); last.Allowed == denied || len(last.Resource) != 1 || last.Resource[0] != named(row.resource) {
					t.Errorf("record %+v of the answer %s", last, body)
				}
				return !denied
			}
			if allowed(arn+"other/x", "staging", "prod") {
				t.Error("allowed on another resource")
			}
			if row.tagged && allowed(named(row.resource), "production", "prod") {
				t.Error("allowed with another tag")
			}
			if row.clustered && allowed(named(row.resource), "staging", "dev") {
				t.Error("allowed in another cluster")
			}
			if !allowed(named(row.resource), "staging", "prod") {
				t.Error("not allowed on its resource")
			}
		})
	}
	for operation := range ecsOperations {
		if !inTable[operation] {
			t.Errorf("%s is not in the table", operation)
		}
	}
}
