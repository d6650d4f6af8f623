package catalog

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// other is a whole catalogue for another server, with a type, a part and an
// action of its own.
const other = `catalogue: 1
server: example.tasks
parts: {bucket: '[a-z0-9.-]{3,63}'}
types: {bucket: {arn: 'arn:{partition}:s3:{region}:{account}:bucket/{bucket}'}}
actions: {'s3:GetThing': {keys: ['s3:prefix'], on: {bucket: ['aws:ResourceTag/*']}}}
keys: {'s3:prefix': {from: prefix, absent: omitted}}
tools:
  stop_task:
    call:
      write: true
      arguments: {cluster: {type: string}, task: {type: string, required: true}}
      resources: [{name: cluster, default: default}, {name: task}]
      accesses: [{action: 'ecs:StopTask', resource: task}]
  read:
    call:
      arguments: {bucket: {type: string, required: true}, prefix: {type: string}}
      resources: [{name: bucket}]
      accesses: [{action: 's3:GetThing', resource: bucket}]
  hello: {call: {arguments: {}}}
`

func TestACatalogueForAnotherServerNeedsNoGo(t *testing.T) {
	c, err := Read("other.yaml", []byte(other))
	if err != nil {
		t.Fatal(err)
	}
	if c.Server() != "example.tasks" || !slices.Equal(c.Tools(), []string{"hello", "read", "stop_task"}) {
		t.Errorf("server %s, tools %v", c.Server(), c.Tools())
	}
	r, err := c.Resolve(testEnv, "stop_task", json.RawMessage(`{"task":"1a"}`))
	if err != nil || r.Accesses[0].Resource != "arn:aws:ecs:us-east-1:123456789012:task/default/1a" || !r.Write {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = c.Resolve(testEnv, "read", json.RawMessage(`{"bucket":"abc","prefix":"x/"}`))
	if err != nil || r.Accesses[0].Context["s3:prefix"].Values[0] != "x/" || !r.Accesses[0].Taggable {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = c.Resolve(testEnv, "hello", nil)
	if err != nil || r.Accesses[0].Action != CallTool || r.Accesses[0].Resource != "arn:ecs-mcp-proxy:mcp:::example.tasks/tool/hello" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestEveryMistakeInACatalogueIsNamed(t *testing.T) {
	for _, c := range []struct{ what, from, to, words string }{
		{"an unknown key, with its line", "write: true", "writes: true", "[10:7] unknown field \"writes\""},
		{"a duplicate key", "catalogue: 1\n", "catalogue: 1\ncatalogue: 1\n", "[2:1]"},
		{"another version of the format", "catalogue: 1", "catalogue: 2", "catalogue must be 1"},
		{"no server", "server: example.tasks", "server: ''", "server must be one name"},
		{"a server that would escape its ARN", "server: example.tasks", "server: '*'", "server must be one name"},
		{"a write that is not said to be one", "write: true", "write: false", "needs write: true, because ecs:StopTask writes"},
		{"an optional write that is not said to be one", "hello: {call: {arguments: {}}}",
			"hello: {call: {arguments: {}, accesses: [{action: 'ecs:DeregisterTaskDefinition', optional: true}]}}", "needs write: true, because ecs:DeregisterTaskDefinition writes"},
		{"an action that nobody knows", "'ecs:StopTask'", "'ecs:StopTasks'", "is not an action that the proxy knows"},
		{"an action in the wrong case", "'ecs:StopTask'", "'ecs:stopTask'", "is not an action that the proxy knows"},
		{"an access on the wrong type", "resource: task}", "resource: cluster}", "is authorised on task, not on cluster"},
		{"an access without its resource", ", resource: task}", "}", "must name a resource exactly if"},
		{"a resource that is not there", "resource: task}", "resource: tasks}", `names "tasks", which is not under resources`},
		{"a subject that is not there", "resource: task}", "resource: task, subject: tasks}", `subject names "tasks", which is not under resources`},
		{"a subject whose tags AWS looks at", "resource: task}", "resource: task, subject: task}", "AWS looks at already"},
		{"a subject that is created", "resource: task}", "resource: task, subject: cluster, creates: true}", "cannot be what the access creates"},
		{"roles of what is no task definition", "{action: 'ecs:StopTask', resource: task}", "{action: 'iam:PassRole', roles-of: task}", `roles-of names "task", which is not a task definition`},
		{"roles of a resource that is not there", "{action: 'ecs:StopTask', resource: task}", "{action: 'iam:PassRole', roles-of: web}", `roles-of names "web", which is not under resources`},
		{"roles for another action", "resource: task}", "resource: task, roles-of: task}", "is for iam:PassRole"},
		{"roles that an argument replaces which is not there", "{action: 'ecs:StopTask', resource: task}", "{action: 'iam:PassRole', roles-of: task, overridden: {task: role}}", `names "role", which is not an argument`},
		{"replaced roles of nothing", "resource: task}", "resource: task, overridden: {task: task}}", "overridden is for roles-of"},
		{"the latest of what has no revisions", "resource: task}", "resource: task, latest: true}", `latest names "task", which is not a task definition`},
		{"an argument that is not there", "{name: task}", "{name: task, from: id}", `names "id", which is not an argument`},
		{"a type that is not there", "{name: task}", "{name: task, type: thing}", `names "thing", which is not under types`},
		{"an argument type that is not there", "task: {type: string, required: true}", "task: {type: text}", "must be one of any, boolean"},
		{"a shared type that is changed", "bucket: {arn:", "cluster: {arn: 'arn:a:b:c:d:e'}, bucket: {arn:", "types.cluster is defined already"},
		{"a shared action that is changed", "actions: {", "actions: {'ecs:StopTask': {}, ", "actions.ecs:StopTask is defined already"},
		{"a shared action in another spelling", "actions: {", "actions: {'ECS:stoptask': {}, ", "actions.ECS:stoptask is ecs:StopTask in another spelling"},
		{"a service with regions called global", "actions: {", "global: [ecs]\nactions: {", "global.ecs is a service that is known already"},
		{"a shared key in another spelling", "keys: {'s3:prefix'", "keys: {'ecs:Cluster': {value: x}, 's3:prefix'", "keys.ecs:Cluster is ecs:cluster in another spelling"},
		{"a shared key that is changed", "keys: {'s3:prefix'", "keys: {'ecs:cluster': {value: x}, 's3:prefix'", "keys.ecs:cluster is defined already"},
		{"a shared character set that is changed", "parts: {", "parts: {cluster: '.*', ", "parts.cluster is defined already"},
		{"a type without an account", "{region}:{account}:bucket", "{region}::bucket", "needs an arn of six parts"},
		{"a context key that the action has not", "resource: task}", "resource: task, context: {'ecs:service': x}}", "AWS does not carry for the action"},
		{"a service that acts for nobody", "resource: task}", "resource: task, via: s3}", "via must be one of cloudformation"},
		{"credentials that are left although nothing escapes", "write: true", "write: true\n      leaves-credentials: true", "needs escapes-scope: true"},
		{"a tool with neither call nor operations", "hello: {call: {arguments: {}}}", "hello: {about: x}", "needs either call, or selector"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if !strings.Contains(other, c.from) {
				t.Fatalf("%q is not in the catalogue", c.from)
			}
			_, err := Read("other.yaml", []byte(strings.Replace(other, c.from, c.to, 1)))
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v, want %q", err, c.words)
			}
		})
	}
}

func TestTheExampleInTheDocumentationIsACatalogue(t *testing.T) {
	b, err := os.ReadFile("../../../docs/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("docs/catalogue.md has no example")
	}
	if _, err := Read("docs/catalogue.md", []byte(example)); err != nil {
		t.Error(err)
	}
}

func TestAnUnknownBuiltinListsThoseThereAre(t *testing.T) {
	if _, err := Builtin("aws.ecs"); err == nil || !strings.Contains(err.Error(), server) {
		t.Error(err)
	}
	if !slices.Contains(BuiltinNames(), server) {
		t.Error(BuiltinNames())
	}
	if c := awslabs(t); c.Operations("delete_app") != nil || c.Operations("x") != nil || c.Actions("x") != nil {
		t.Error("a tool without operations has some")
	}
}
