package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// ecs resolves one operation of ecs_resource_management.
func ecs(t *testing.T, operation, params string) (*Resolution, error) {
	t.Helper()
	return awslabs(t).Resolve(testEnv, "ecs_resource_management",
		json.RawMessage(fmt.Sprintf(`{"api_operation":%q,"api_params":%s}`, operation, params)))
}

func mustECS(t *testing.T, operation, params string) *Resolution {
	t.Helper()
	r, err := ecs(t, operation, params)
	if err != nil {
		t.Fatalf("%s %s: %v", operation, params, err)
	}
	return r
}

func arns(r *Resolution, action string) []string {
	var list []string
	for _, a := range r.Accesses {
		if a.Action == action {
			list = append(list, strings.TrimPrefix(a.Resource, "arn:aws:ecs:us-east-1:123456789012:"))
		}
	}
	return list
}

func TestNamesAndARNsBecomeTheSameResource(t *testing.T) {
	long := func(s string) string { return `"arn:aws:ecs:us-east-1:123456789012:` + s + `"` }
	for _, c := range []struct{ what, operation, params, action, want string }{
		{"a bare name is in the call's cluster", "DeleteService", `{"cluster":"prod","service":"web"}`, "ecs:DeleteService", "service/prod/web"},
		{"an absent cluster is the default one", "DeleteService", `{"service":"web"}`, "ecs:DeleteService", "service/default/web"},
		{"a cluster may be an ARN", "DeleteService", `{"cluster":` + long("cluster/prod") + `,"service":"web"}`, "ecs:DeleteService", "service/prod/web"},
		{"a service may be a long ARN", "DeleteService", `{"cluster":"prod","service":` + long("service/prod/web") + `}`, "ecs:DeleteService", "service/prod/web"},
		{"an old short ARN is completed", "DeleteService", `{"cluster":"prod","service":` + long("service/web") + `}`, "ecs:DeleteService", "service/prod/web"},
		{"an old short task ARN is completed", "StopTask", `{"cluster":"prod","task":` + long("task/0123abcd") + `}`, "ecs:StopTask", "task/prod/0123abcd"},
		{"a family and revision are one task definition", "DeleteTaskDefinitions", `{"taskDefinitions":["web:3"]}`, "ecs:DeleteTaskDefinitions", "task-definition/web:3"},
		{"the same resource twice is one access", "DescribeServices", `{"services":["web",` + long("service/default/web") + `]}`, "ecs:DescribeServices", "service/default/web"},
		{"no clusters are the default one", "DescribeClusters", `{}`, "ecs:DescribeClusters", "cluster/default"},
		{"an empty list of clusters is the default one", "DescribeClusters", `{"clusters":[]}`, "ecs:DescribeClusters", "cluster/default"},
		{"a cluster in an ARN-only call comes from the ARN", "DeleteExpressGatewayService", `{"serviceArn":` + long("service/prod/web") + `}`, "ecs:DeleteExpressGatewayService", "service/prod/web"},
		{"a container instance narrows ListTasks", "ListTasks", `{"cluster":"prod","containerInstance":"0123abcd"}`, "ecs:ListTasks", "container-instance/prod/0123abcd"},
		{"without one ListTasks is on everything, bounded by ecs:cluster", "ListTasks", `{"cluster":"prod"}`, "ecs:ListTasks", "*"},
		{"all task sets of a service", "DescribeTaskSets", `{"cluster":"prod","service":"web"}`, "ecs:DescribeTaskSets", "task-set/prod/web/*"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := arns(mustECS(t, c.operation, c.params), c.action); len(got) != 1 || got[0] != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestContextSaysWhatAWSWillSee(t *testing.T) {
	for _, c := range []struct {
		what, operation, params, key string
		want                         any // authz.Value, "unknown" or "absent"
	}{
		{"a revision is a known task definition", "CreateService", `{"serviceName":"a","taskDefinition":"web:3"}`, "ecs:task-definition", authz.One("arn:aws:ecs:us-east-1:123456789012:task-definition/web:3")},
		{"a family alone is not", "CreateService", `{"serviceName":"a","taskDefinition":"web"}`, "ecs:task-definition", "unknown"},
		{"a created service without exec has no key", "CreateService", `{"serviceName":"a"}`, "ecs:enable-execute-command", "absent"},
		{"an updated one keeps what it had", "UpdateService", `{"service":"a"}`, "ecs:enable-execute-command", "unknown"},
		{"a boolean is its word", "UpdateService", `{"service":"a","enableExecuteCommand":false}`, "ecs:enable-execute-command", authz.One("false")},
		{"several subnets are sorted and multi-valued", "CreateService", `{"serviceName":"a","networkConfiguration":{"awsvpcConfiguration":{"subnets":["b","a"]}}}`, "ecs:subnet", authz.Many("a", "b")},
		{"no tags, no tag keys", "RunTask", `{"taskDefinition":"a:1"}`, "aws:TagKeys", "absent"},
		{"tags are keys of their own", "RunTask", `{"taskDefinition":"a:1","tags":[{"key":"Env","value":"x"},{"key":"Team"}]}`, "aws:RequestTag/Env", authz.One("x")},
		{"a tag without value is empty", "RunTask", `{"taskDefinition":"a:1","tags":[{"key":"Team"}]}`, "aws:RequestTag/Team", authz.One("")},
		{"an override of cpu is known", "RunTask", `{"taskDefinition":"a:1","overrides":{"cpu":"512"}}`, "ecs:task-cpu", authz.One("512")},
		{"the task definition's cpu is not", "RunTask", `{"taskDefinition":"a:1"}`, "ecs:task-cpu", "unknown"},
		{"cpu in vCPU is counted in units", "RegisterTaskDefinition", `{"family":"a","containerDefinitions":[],"cpu":".5 vCPU"}`, "ecs:task-cpu", "unknown"},
		{"half a vCPU is 512", "RegisterTaskDefinition", `{"family":"a","containerDefinitions":[],"cpu":"0.5 vCPU"}`, "ecs:task-cpu", authz.One("512")},
		{"no privileged container", "RegisterTaskDefinition", `{"family":"a","containerDefinitions":[{},{"privileged":false}]}`, "ecs:privileged", authz.One("false")},
		{"one privileged container is enough", "RegisterTaskDefinition", `{"family":"a","containerDefinitions":[{"privileged":false},{"privileged":true}]}`, "ecs:privileged", authz.One("true")},
		{"one container instance is known", "StartTask", `{"taskDefinition":"a:1","containerInstances":["1a"]}`, "ecs:container-instances", authz.One("arn:aws:ecs:us-east-1:123456789012:container-instance/default/1a")},
		{"two are not one value", "StartTask", `{"taskDefinition":"a:1","containerInstances":["1a","1b"]}`, "ecs:container-instances", "unknown"},
		{"a namespace by name is unknown", "ListServicesByNamespace", `{"namespace":"prod.local"}`, "ecs:namespace", "unknown"},
		{"the container is unknown if left out", "ExecuteCommand", `{"task":"1a","command":"sh","interactive":true}`, "ecs:container-name", "unknown"},
		{"tags of an existing resource are unknown", "DeleteCluster", `{"cluster":"a"}`, "aws:ResourceTag/Environment", "unknown"},
		{"tags of a new one are absent", "CreateCluster", `{"clusterName":"a"}`, "aws:ResourceTag/Environment", "absent"},
		{"an unscopable action has no resource tags", "DeregisterTaskDefinition", `{"taskDefinition":"a:1"}`, "aws:ResourceTag/Environment", "absent"},
		{"where a request comes from is unknown", "ListClusters", `{}`, "aws:SourceIp", "unknown"},
		{"multi-factor authentication is unknown", "ListClusters", `{}`, "aws:MultiFactorAuthPresent", "unknown"},
		{"the account of everything is unknown", "ListClusters", `{}`, "aws:ResourceAccount", "unknown"},
		{"the account of a resource is known", "DeleteCluster", `{"cluster":"a"}`, "aws:ResourceAccount", authz.One("123456789012")},
		{"the region is always known", "ListClusters", `{}`, "aws:RequestedRegion", authz.One("us-east-1")},
		{"a key of another action is absent", "DeleteCluster", `{"cluster":"a"}`, "ecs:service", "absent"},
	} {
		t.Run(c.what, func(t *testing.T) {
			a := mustECS(t, c.operation, c.params).Accesses[0]
			v, known := a.Context[c.key]
			got := any(v)
			switch {
			case !known && a.IsUnknown(c.key):
				got = "unknown"
			case !known:
				got = "absent"
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s is %v, want %v", c.key, got, c.want)
			}
		})
	}
}

func TestGlobalServicesCarryTheirPartitionsRegion(t *testing.T) {
	for partition, want := range map[string]string{"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"} {
		env := Env{partition, "123456789012", "eu-central-1"}
		r, err := awslabs(t).Resolve(env, "ecs_resource_management", json.RawMessage(
			`{"api_operation":"RunTask","api_params":{"taskDefinition":"a:1"}}`))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range r.Accesses {
			region := a.Context["aws:RequestedRegion"].Values[0]
			if pass := a.Action == "iam:PassRole"; pass && region != want || !pass && region != "eu-central-1" {
				t.Errorf("%s: %s has region %s", partition, a.Action, region)
			}
			if !strings.HasPrefix(a.Resource, "arn:"+partition+":") {
				t.Errorf("%s: resource %s", partition, a.Resource)
			}
		}
	}
}

func TestPassedRolesAreAccesses(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/"
	r := mustECS(t, "CreateService", `{"serviceName":"a","role":"elb","loadBalancers":[{"advancedConfiguration":{"roleArn":"`+role+`lb"}}],
		"deploymentConfiguration":{"lifecycleHooks":[{"roleArn":"`+role+`hook"}]},
		"serviceConnectConfiguration":{"enabled":true,"services":[{"portName":"p","tls":{"issuerCertificateAuthority":{},"roleArn":"`+role+`tls"}}]},
		"volumeConfigurations":[{"name":"v","managedEBSVolume":{"roleArn":"`+role+`ebs"}}],
		"vpcLatticeConfigurations":[{"roleArn":"`+role+`lattice","targetGroupArn":"t","portName":"p"}]}`)
	want := []string{role + "elb", role + "lb", role + "hook", role + "tls", role + "ebs", role + "lattice"}
	if got := arns(r, "iam:PassRole"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, a := range r.Accesses {
		if a.Action == "iam:PassRole" && (a.Optional || a.Context["iam:PassedToService"].Values[0] != "ecs.amazonaws.com") {
			t.Errorf("role of the arguments must be required and passed to ECS: %+v", a)
		}
	}
}

func TestRolesInATaskDefinitionAreOptionalUntilTheyAreKnown(t *testing.T) {
	const both = authz.TaskRole + " " + authz.ExecutionRole
	for _, tt := range []struct{ operation, params, want string }{ // what is not known yet
		{"RunTask", `{"taskDefinition":"web:1"}`, both},
		{"RunTask", `{"taskDefinition":"web:1","overrides":{"taskRoleArn":"other"}}`, authz.ExecutionRole},
		{"StartTask", `{"taskDefinition":"web:1","containerInstances":["1a"],"overrides":{"executionRoleArn":"other"}}`, authz.TaskRole},
		{"RunTask", `{"taskDefinition":"web:1","overrides":{"taskRoleArn":"other","executionRoleArn":"other"}}`, ""},
		{"CreateService", `{"serviceName":"a","taskDefinition":"web:1","tags":[{"key":"A","value":"b"}]}`, both},
		{"CreateService", `{"serviceName":"a"}`, ""},
		{"UpdateService", `{"service":"a","taskDefinition":"web:1"}`, both},
		{"UpdateService", `{"service":"a","desiredCount":1}`, ""},
		{"CreateTaskSet", `{"cluster":"a","service":"a","taskDefinition":"web:1"}`, both},
		{"CreateExpressGatewayService", `{"infrastructureRoleArn":"a","taskDefinitionArn":"web:1"}`, both},
		{"UpdateExpressGatewayService", `{"serviceArn":"arn:aws:ecs:us-east-1:123456789012:service/a/b","taskDefinitionArn":"web:1"}`, both},
	} {
		t.Run(tt.operation+" "+tt.params, func(t *testing.T) {
			r := mustECS(t, tt.operation, tt.params)
			var got []string
			for i, a := range r.Accesses {
				for _, key := range []string{authz.TaskRole, authz.ExecutionRole} {
					if a.IsUnknown(key) {
						got = append(got, key)
					}
				}
				if !a.Unsettled() {
					if a.Action == "iam:PassRole" && a.Optional {
						t.Errorf("a role of the arguments is optional: %+v", a)
					}
					continue
				}
				if i != len(r.Accesses)-1 {
					t.Errorf("what becomes several accesses, or none, is not the last: %+v", r.Accesses)
				}
				if a.Resource != "arn:aws:iam::123456789012:role/*" || !a.Optional || !a.Unverified || !a.IsUnknown(authz.SubjectTag+"A") ||
					a.Subject != "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1" || a.Context["iam:PassedToService"].Values[0] != "ecs-tasks.amazonaws.com" {
					t.Errorf("%+v", a)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}

func TestAFamilyThatIsRunStandsForItsLatestRevision(t *testing.T) {
	for params, want := range map[string]bool{`{"taskDefinition":"web"}`: true, `{"taskDefinition":"web:3"}`: false,
		`{"taskDefinition":"arn:aws:ecs:us-east-1:123456789012:task-definition/web"}`: true} {
		if a := mustECS(t, "RunTask", params).Accesses[0]; a.Action != "ecs:RunTask" || a.IsUnknown(authz.LatestRevision) != want || strings.HasSuffix(a.Resource, ":*") != want {
			t.Errorf("%s: %+v", params, a)
		}
	}
	if a := mustECS(t, "DeregisterTaskDefinition", `{"taskDefinition":"web"}`).Accesses[0]; a.Unsettled() {
		t.Errorf("AWS deregisters no family: %+v", a)
	}
}

func TestLongListsAreNamedByOneWideAccess(t *testing.T) {
	list := func(n int) string {
		var ids []string
		for i := range n {
			ids = append(ids, fmt.Sprintf("%q", fmt.Sprintf("%032x", i)))
		}
		return `{"cluster":"prod","tasks":[` + strings.Join(ids, ",") + `]}`
	}
	if got := arns(mustECS(t, "DescribeTasks", list(15)), "ecs:DescribeTasks"); len(got) != 15 {
		t.Errorf("15 tasks gave %d accesses", len(got))
	}
	if got := arns(mustECS(t, "DescribeTasks", list(16)), "ecs:DescribeTasks"); len(got) != 1 || got[0] != "task/prod/*" {
		t.Errorf("16 tasks gave %v", got)
	}
	if _, err := ecs(t, "DescribeTasks", list(101)); !errors.Is(err, ErrArgument) {
		t.Errorf("101 tasks: %v", err)
	}
}

func TestWaitingTakesItsTimeoutFromTheArguments(t *testing.T) {
	for args, want := range map[string]time.Duration{
		`{"cluster":"a","service_name":"b"}`:                       330 * time.Second,
		`{"cluster":"a","service_name":"b","timeout_seconds":780}`: 810 * time.Second,
	} {
		r, err := awslabs(t).Resolve(testEnv, "wait_for_service_ready", json.RawMessage(args))
		if err != nil || r.Timeout != want || !r.LongRunning {
			t.Errorf("%s: %v, %v", args, r, err)
		}
	}
}

func TestEveryToolAndOperationOfTheServerIsThere(t *testing.T) {
	b, err := os.ReadFile("testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	c := awslabs(t)
	for tool, operations := range want {
		if !slices.Contains(c.Tools(), tool) {
			t.Errorf("tool %s is missing", tool)
		}
		if got := c.Operations(tool); !slices.Equal(got, operations) && len(operations) > 0 {
			t.Errorf("operations of %s: got %v, want %v", tool, got, operations)
		}
		if len(c.Actions(tool)) == 0 {
			t.Errorf("%s needs no action", tool)
		}
	}
	if len(c.Tools()) != len(want) || len(c.Operations("ecs_resource_management")) != 65 || len(c.Operations("ecs_troubleshooting_tool")) != 7 {
		t.Errorf("%d tools, %d operations, %d diagnoses", len(c.Tools()), len(c.Operations("ecs_resource_management")), len(c.Operations("ecs_troubleshooting_tool")))
	}
	if got := c.Actions("containerize_app"); !slices.Equal(got, []string{CallTool}) {
		t.Errorf("containerize_app needs %v", got)
	}
}

func TestNeedsAreWhatACallCannotDoWithout(t *testing.T) {
	c := awslabs(t)
	for tool, want := range map[string][]string{
		"containerize_app":       {CallTool},
		"wait_for_service_ready": {"ecs:DescribeTasks", "ecs:ListTasks"},
		"delete_app":             {"cloudformation:DeleteStack", "cloudformation:DescribeStacks", "ecs:DeleteExpressGatewayService"},
	} {
		if got := c.Needs(tool); len(got) != 1 || !slices.Equal(got[0], want) {
			t.Errorf("%s needs %v, want %v", tool, got, want)
		}
	}
	ways := c.Needs("ecs_resource_management")
	if len(ways) != 64 { // all but the operation that AWS does not have
		t.Errorf("%d ways", len(ways))
	}
	for _, w := range ways {
		if len(w) == 0 || slices.Contains(w, "iam:PassRole") && !slices.Contains(w, "ecs:CreateExpressGatewayService") {
			t.Errorf("needs %v", w)
		}
	}
	if got := len(c.Needs("ecs_troubleshooting_tool")); got != 10 { // 6, and 4 ways to find images
		t.Errorf("%d ways", got)
	}
	if c.Needs("x") != nil {
		t.Error("an unknown tool has needs")
	}
}

// The service authorization reference marks resource types that a statement has
// to name; leaving one out would make every grant of the operation too small.
func TestEveryRequiredResourceTypeHasAnAccess(t *testing.T) {
	f, err := loadFacts()
	if err != nil {
		t.Fatal(err)
	}
	for name, tool := range awslabs(t).tools {
		for op, o := range tool.operations {
			named := map[string]bool{}
			for _, a := range o.everyAccess() {
				named[a.action+" "+a.on] = true
			}
			for _, a := range o.everyAccess() {
				for _, on := range f.Actions[a.action].Required {
					if everything := a.on == "" && a.flags.Unscopable; !everything && !named[a.action+" "+on] {
						t.Errorf("%s %s: %s is not named on %s", name, op, a.action, on)
					}
				}
			}
		}
	}
}
