package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestShapesTakeWhatBotocoreTakes(t *testing.T) {
	for _, c := range []struct{ what, operation, params, words string }{
		{"a free map takes any key", "RegisterTaskDefinition", `{"family":"a","containerDefinitions":[{"dockerLabels":{"any.key/x":"v"}}]}`, ""},
		{"a free map's values are strings", "RegisterTaskDefinition", `{"family":"a","containerDefinitions":[{"dockerLabels":{"k":1}}]}`, "dockerLabels.k must be a string"},
		{"a free map's keys hold no control characters", "RegisterTaskDefinition", `{"family":"a","containerDefinitions":[{"dockerLabels":{"k\u0000":"v"}}]}`, "control characters"},
		{"a date may be a number", "SubmitTaskStateChange", `{"pullStartedAt":1700000000.5}`, ""},
		{"a date may be a string", "SubmitTaskStateChange", `{"pullStartedAt":"2026-01-01T00:00:00Z"}`, ""},
		{"a date is not a list", "SubmitTaskStateChange", `{"pullStartedAt":[]}`, "must be a date"},
		{"a number may have a fraction", "UpdateTaskSet", `{"cluster":"a","service":"b","taskSet":"ecs-svc/1","scale":{"value":33.3,"unit":"PERCENT"}}`, ""},
		{"a number that no float holds", "UpdateTaskSet", `{"cluster":"a","service":"b","taskSet":"ecs-svc/1","scale":{"value":1e400}}`, "2^53"},
		{"a document may be anything", "CreateService", `{"serviceName":"a","deploymentConfiguration":{"lifecycleHooks":[{"hookDetails":{"a":[1,null]}}]}}`, ""},
		{"a lower bound is kept", "CreateCapacityProvider", `{"name":"a","autoScalingGroupProvider":{"autoScalingGroupArn":"x","managedScaling":{"targetCapacity":0}}}`, "at least 1"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := ecs(t, c.operation, c.params)
			if c.words == "" && err != nil || c.words != "" && (!errors.Is(err, ErrArgument) || !strings.Contains(err.Error(), c.words)) {
				t.Errorf("got %v, want %q", err, c.words)
			}
		})
	}
}

func TestDeclaredArgumentsMayBeNested(t *testing.T) {
	c, err := Read("nested.yaml", []byte(`catalogue: 1
server: nested
tools:
  t: {call: {arguments: {
    list: {type: list, max: 2, of: {type: object, members: {n: {type: integer, required: true, min: 1}}}},
    name: {type: string, max: 3, pattern: '[a-z]*'}, flag: {type: boolean}, free: {type: any}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for args, words := range map[string]string{
		`{"list":[{"n":1}],"name":"abc","flag":true,"free":[{}]}`: "",
		`{"list":[{"n":0}]}`:                     "list[0].n must be at least 1",
		`{"list":[{}]}`:                          "list[0].n is required",
		`{"list":[{"n":1},{"n":1},{"n":1}]}`:     "list must have at most 2 elements",
		`{"name":"abcd"}`:                        "name must have at most 3 characters",
		`{"name":"AB"}`:                          "name must match [a-z]*",
		`{"flag":1}`:                             "flag must be true or false",
		`{"` + strings.Repeat("x", 200) + `":1}`: "...\" is not a known argument",
	} {
		_, err := c.Resolve(testEnv, "t", json.RawMessage(args))
		if (words == "") != (err == nil) || words != "" && !strings.Contains(err.Error(), words) {
			t.Errorf("%s: got %v, want %q", args, err, words)
		}
	}
}

func TestManyResourcesOfDifferentClustersStayApart(t *testing.T) {
	var arns []string
	for i := range 16 {
		arns = append(arns, fmt.Sprintf(`"arn:aws:ecs:us-east-1:123456789012:service-revision/c%d/web/1"`, i%2*i))
	}
	r := mustECS(t, "DescribeServiceRevisions", `{"serviceRevisionArns":[`+strings.Join(arns, ",")+`]}`)
	for _, a := range r.Accesses {
		if strings.Contains(a.Resource, "*") {
			t.Errorf("widened over clusters to %s", a.Resource)
		}
	}
	for i := range arns {
		arns[i] = fmt.Sprintf(`"arn:aws:ecs:us-east-1:123456789012:service-revision/c/web/%d"`, i)
	}
	r = mustECS(t, "DescribeServiceRevisions", `{"serviceRevisionArns":[`+strings.Join(arns, ",")+`]}`)
	if len(r.Accesses) != 2 || !strings.HasSuffix(r.Accesses[0].Resource, "service-revision/c/web/*") || !strings.HasSuffix(r.Accesses[1].Resource, "service/c/web") {
		t.Errorf("%+v", r.Accesses)
	}
}

func TestAToolAsSuchIsAnAccess(t *testing.T) {
	a, err := awslabs(t).Tool(testEnv, "a/b")
	if err != nil || a[0].Action != CallTool || a[0].Resource != "arn:ecs-mcp-proxy:mcp:::awslabs.ecs-mcp-server/tool/a%2Fb" {
		t.Errorf("%+v, %v", a, err)
	}
}
