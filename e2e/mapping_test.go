package e2e

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A little of the authorization data and of botocore's models, in their own form.
const (
	someActions = `{
 "describeservices": {"name": "DescribeServices", "resourceTypes": [{"name": "service", "required": true, "conditionKeys": ["ecs:cluster"]}], "conditionKeys": []},
 "describeservicedeployments": {"name": "DescribeServiceDeployments", "resourceTypes": [{"name": "service", "required": true, "conditionKeys": []}, {"name": "service-deployment", "required": true, "conditionKeys": []}], "conditionKeys": []},
 "createtaskset": {"name": "CreateTaskSet", "resourceTypes": [{"name": "task-set", "required": true, "conditionKeys": []}], "conditionKeys": []},
 "registertaskdefinition": {"name": "RegisterTaskDefinition", "resourceTypes": [{"name": "task-definition", "required": true, "conditionKeys": []}], "conditionKeys": ["aws:TagKeys"]},
 "runtask": {"name": "RunTask", "resourceTypes": [{"name": "task-definition", "required": true, "conditionKeys": []}], "conditionKeys": ["ecs:cluster"]},
 "stoptask": {"name": "StopTask", "resourceTypes": [{"name": "task", "required": true, "conditionKeys": []}], "conditionKeys": []},
 "listclusters": {"name": "ListClusters", "resourceTypes": [], "conditionKeys": []},
 "tagresource": {"name": "TagResource", "resourceTypes": [{"name": "cluster", "required": false, "conditionKeys": []}], "conditionKeys": ["aws:TagKeys", "ecs:CreateAction"]}
}`
	someTypes = `{
 "cluster": {"key": "cluster", "arn": "arn:${Partition}:ecs:${Region}:${Account}:cluster/${ClusterName}"},
 "service": {"key": "service", "arn": "arn:${Partition}:ecs:${Region}:${Account}:service/${ClusterName}/${ServiceName}"},
 "service-deployment": {"key": "service-deployment", "arn": "arn:${Partition}:ecs:${Region}:${Account}:service-deployment/${ClusterName}/${ServiceName}/${ServiceDeploymentId}"},
 "task": {"key": "task", "arn": "arn:${Partition}:ecs:${Region}:${Account}:task/${ClusterName}/${TaskId}"},
 "task-set": {"key": "task-set", "arn": "arn:${Partition}:ecs:${Region}:${Account}:task-set/${ClusterName}/${ServiceName}/${TaskSetId}"},
 "task-definition": {"key": "task-definition", "arn": "arn:${Partition}:ecs:${Region}:${Account}:task-definition/${TaskDefinitionFamilyName}:${TaskDefinitionRevisionNumber}"}
}`
	someRoles   = `{"passrole": {"name": "PassRole", "resourceTypes": [{"name": "role", "required": true, "conditionKeys": []}], "conditionKeys": ["iam:PassedToService"]}}`
	roleType    = `{"role": {"key": "role", "arn": "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"}}`
	someMembers = `{
 "DescribeServices": {"cluster": "String", "services": "Strings"},
 "DescribeServiceDeployments": {"serviceDeploymentArns": "Strings"},
 "CreateTaskSet": {"cluster": "String", "service": "String"},
 "RegisterTaskDefinition": {"family": "String", "executionRoleArn": "String", "tags": "Tags"},
 "RunTask": {"cluster": "String", "taskDefinition": "String"},
 "StopTask": {"cluster": "String", "task": "String"},
 "ListClusters": {},
 "TagResource": {"resourceArn": "String", "tags": "Tags"}
}`
)

func someAuthorization(t *testing.T) *Authorization {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("data/actions/ecs.json", someActions)
	write("data/resourceTypes/ecs.json", someTypes)
	write("data/actions/iam.json", someRoles)
	write("data/resourceTypes/iam.json", roleType)

	var operations map[string]map[string]string
	if err := json.Unmarshal([]byte(someMembers), &operations); err != nil {
		t.Fatal(err)
	}
	shapes := map[string]any{"String": map[string]string{"type": "string"},
		"Strings": map[string]any{"type": "list", "member": map[string]string{"shape": "String"}},
		"Tag":     map[string]any{"type": "structure", "members": map[string]any{"key": map[string]string{"shape": "String"}, "value": map[string]string{"shape": "String"}}},
		"Tags":    map[string]any{"type": "list", "member": map[string]string{"shape": "Tag"}}}
	inputs := map[string]any{}
	for operation, members := range operations {
		all := map[string]any{}
		for name, shape := range members {
			all[name] = map[string]string{"shape": shape}
		}
		shapes[operation+"Request"] = map[string]any{"type": "structure", "members": all}
		inputs[operation] = map[string]any{"input": map[string]string{"shape": operation + "Request"}}
	}
	b, err := json.Marshal(map[string]any{"operations": inputs, "shapes": shapes})
	if err != nil {
		t.Fatal(err)
	}
	var zipped strings.Builder
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write("botocore/ecs/2014-11-13/service-2.json.gz", zipped.String())
	return NewAuthorization(filepath.Join(dir, "data"), filepath.Join(dir, "botocore"))
}

func someSituation() Situation {
	return Situation{Partition: "aws", Account: "123456789012", Tags: map[string]map[string]string{}, Roles: map[string]map[string]string{}}
}

func TestRequestsAreMappedByNamesAlone(t *testing.T) {
	const arn = "arn:aws:ecs:us-east-1:123456789012:"
	a, s := someAuthorization(t), someSituation()
	s.Tags[arn+"task/shop/1a"] = map[string]string{"Environment": "staging"}
	s.Roles["web:3"] = map[string]string{"executionRoleArn": "arn:aws:iam::123456789012:role/pull"}
	for _, tt := range []struct{ what, operation, parameters, want string }{
		{"names in a cluster", "DescribeServices", `{"cluster":"shop","services":["web","api"]}`,
			`ecs:DescribeServices ` + arn + `service/shop/api ecs:cluster=` + arn + `cluster/shop; ecs:DescribeServices ` + arn + `service/shop/web ecs:cluster=` + arn + `cluster/shop`},
		{"no cluster", "DescribeServices", `{"services":["web"]}`, `ecs:DescribeServices ` + arn + `service/default/web ecs:cluster=` + arn + `cluster/default`},
		{"an ARN", "DescribeServices", `{"services":["` + arn + `service/shop/web"]}`, `ecs:DescribeServices ` + arn + `service/shop/web ecs:cluster=` + arn + `cluster/shop`},
		{"what another ARN is part of", "DescribeServiceDeployments", `{"serviceDeploymentArns":["` + arn + `service-deployment/shop/web/1"]}`,
			`ecs:DescribeServiceDeployments ` + arn + `service/shop/web; ecs:DescribeServiceDeployments ` + arn + `service-deployment/shop/web/1`},
		{"what is made", "CreateTaskSet", `{"cluster":"` + arn + `cluster/shop","service":"web"}`, `ecs:CreateTaskSet ` + arn + `task-set/shop/web/` + unnamed},
		{"a tagged resource's tags", "StopTask", `{"cluster":"shop","task":"1a"}`, `ecs:StopTask ` + arn + `task/shop/1a aws:ResourceTag/Environment=staging`},
		{"no resource", "ListClusters", `{}`, `ecs:ListClusters *`},
		{"any type", "TagResource", `{"resourceArn":"` + arn + `cluster/shop","tags":[{"key":"a","value":"1"}]}`, `ecs:TagResource ` + arn + `cluster/shop aws:RequestTag/a=1 aws:TagKeys=a`},
		{"a role and tags that are given", "RegisterTaskDefinition", `{"family":"web","executionRoleArn":"pull","tags":[{"key":"a","value":"1"}]}`,
			`ecs:RegisterTaskDefinition ` + arn + `task-definition/web:1 aws:RequestTag/a=1 aws:TagKeys=a` +
				`; and iam:PassRole arn:aws:iam::123456789012:role/pull iam:PassedToService=ecs-tasks.amazonaws.com` +
				`; and ecs:TagResource ` + arn + `task-definition/web:1 aws:RequestTag/a=1 aws:TagKeys=a ecs:CreateAction=RegisterTaskDefinition`},
		{"a role inside a task definition", "RunTask", `{"cluster":"shop","taskDefinition":"web:3"}`,
			`ecs:RunTask ` + arn + `task-definition/web:3 ecs:cluster=` + arn + `cluster/shop; and iam:PassRole arn:aws:iam::123456789012:role/pull iam:PassedToService=ecs-tasks.amazonaws.com`},
		{"a parameter that nobody knows", "StopTask", `{"tasks":["1a"]}`, "botocore's model has no parameter tasks"},
		{"nothing that is named", "StopTask", `{}`, "no parameter names its task"},
		{"an ARN of another type", "StopTask", `{"task":"` + arn + `cluster/shop"}`, "is no task"},
		{"a task definition that was not seen", "RunTask", `{"taskDefinition":"api:1"}`, "the roles of task definition api:1 were not seen"},
		{"an operation that nobody knows", "StopEverything", `{}`, "has no operation StopEverything"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			r := Request{Service: "ecs", Operation: tt.operation, Region: "us-east-1"}
			if err := json.Unmarshal([]byte(tt.parameters), &r.Parameters); err != nil {
				t.Fatal(err)
			}
			mapped, err := a.Map(r, s)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				return
			}
			if got := describe(mapped); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func describe(r Replay) string {
	var all []string
	for i, q := range append(r.Asked, r.Attendant...) {
		text := q.Action + " " + q.Resource
		if i >= len(r.Asked) {
			text = "and " + text
		}
		for _, key := range slices.Sorted(maps.Keys(q.Context)) {
			if key != "aws:RequestedRegion" {
				text += fmt.Sprintf(" %s=%s", key, strings.Join(q.Context[key].Values, ","))
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func TestTagsAndRolesAreLearnedFromAnswers(t *testing.T) {
	const arn = "arn:aws:ecs:us-east-1:123456789012:"
	s := someSituation()
	for _, answer := range []string{
		`{"services":[{"serviceArn":"` + arn + `service/shop/web","clusterArn":"` + arn + `cluster/shop","tags":[{"key":"Environment","value":"staging"}]}]}`,
		`{"taskDefinition":{"taskDefinitionArn":"` + arn + `task-definition/web:3","executionRoleArn":"pull","taskRoleArn":""},"tags":[{"key":"Team","value":"web"}]}`,
		`<xml/>`, `{`,
	} {
		s.Observe(Request{Status: 200, Answer: []byte(answer)})
	}
	s.Observe(Request{Status: 500, Answer: []byte(`{"services":[{"serviceArn":"` + arn + `service/shop/web","tags":[]}]}`)})
	if got := s.Tags[arn+"service/shop/web"]["Environment"]; got != "staging" || len(s.Tags) != 2 {
		t.Errorf("tags %v", s.Tags)
	}
	if s.Tags[arn+"task-definition/web:3"]["Team"] != "web" || len(s.Roles["web:3"]) != 1 || s.Roles["web:3"]["executionRoleArn"] != "pull" {
		t.Errorf("tags %v, roles %v", s.Tags, s.Roles)
	}
}
