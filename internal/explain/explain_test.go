package explain

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// story is a call and the persona that makes it.
type story struct {
	name, persona, tool string
	arguments           json.RawMessage
	tags                map[string]string
	extra               map[string]who
	answer, class       string
	// kinds are the changes of the first suggestion.
	kinds string
}

const deleteCheckout = `{"cluster":"shop","service":"checkout"}`

var management = "ecs_resource_management"

// only is a document of one Allow.
func only(actions, more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"Only","Effect":"Allow","Action":` + actions + `,"Resource":"*"` + more + `}]}`
}

func tasks(n, length int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%q", fmt.Sprintf("%02d", i)+strings.Repeat("a", length)))
	}
	return strings.Join(list, ",")
}

var stories = []story{
	{name: "a reader deletes a service", persona: "reader", tool: management, arguments: api("DeleteService", deleteCheckout),
		answer: Refused, class: "policy", kinds: "persona tag"},
	{name: "a deployer deletes a service whose tags are unknown", persona: "deployer", tool: management, arguments: api("DeleteService", deleteCheckout),
		answer: Depends, class: "policy"},
	{name: "a deployer deletes a production service", persona: "deployer", tool: management, arguments: api("DeleteService", deleteCheckout),
		tags: map[string]string{"Environment": "production"}, answer: Refused, class: "policy", kinds: "tag"},
	{name: "a deployer deletes a staging service", persona: "deployer", tool: management, arguments: api("DeleteService", deleteCheckout),
		tags: map[string]string{"Environment": "staging"}, answer: Allowed, class: "allowed"},
	{name: "a cluster that is not the persona's", persona: "checkout", tool: management, arguments: api("ListServices", `{"cluster":"warehouse"}`),
		answer: Refused, class: "policy", kinds: "value"},
	{name: "a service that is not the persona's", persona: "checkout", tool: management,
		arguments: api("UpdateService", `{"cluster":"shop","service":"basket","desiredCount":2}`), tags: map[string]string{"Environment": "staging"},
		answer: Refused, class: "policy", kinds: "resource"},
	{name: "a shell in a container", persona: "deployer", tool: management,
		arguments: api("ExecuteCommand", `{"cluster":"shop","task":"0123456789abcdef0123456789abcdef","command":"sh","interactive":true}`),
		answer:    Refused, class: "policy"},
	{name: "a host network", persona: "deployer", tool: management,
		arguments: api("RegisterTaskDefinition", `{"family":"checkout","networkMode":"host","containerDefinitions":[{"name":"a","image":"public.ecr.aws/nginx/nginx:1"}]}`),
		answer:    Refused, class: "policy", extra: map[string]who{"deployer": {identity: []string{"deployment"}, boundary: []string{"region-and-production"},
			guardrails: map[string]any{"host_network": "on"}}}},
	{name: "an image of an unlisted registry", persona: "deployer", tool: management,
		arguments: api("RegisterTaskDefinition", `{"family":"checkout","containerDefinitions":[{"name":"a","image":"ghcr.io/shop/checkout:1"}]}`),
		answer:    Refused, class: "policy", kinds: "setting", extra: map[string]who{"deployer": {identity: []string{"deployment"}, boundary: []string{"region-and-production"},
			guardrails: map[string]any{"image_registry": "on"}}}},
	{name: "a tool that nobody knows", persona: "reader", tool: "ecs_resource_managment", arguments: api("ListClusters", `{}`),
		answer: Refused, class: "unknown-tool"},
	{name: "an operation that nobody knows", persona: "reader", tool: management, arguments: api("DescribeService", `{}`),
		answer: Refused, class: "argument"},
	{name: "an argument that nobody knows", persona: "reader", tool: management, arguments: api("DescribeServices", `{"service":"checkout"}`),
		answer: Refused, class: "argument"},
	{name: "arguments with two readings", persona: "reader", tool: management, arguments: json.RawMessage(`{"api_operation":"ListClusters","api_operation":"DeleteCluster"}`),
		answer: Refused, class: "unreadable"},
	{name: "an ARN of another account", persona: "reader", tool: management,
		arguments: api("DescribeClusters", `{"clusters":["arn:aws:ecs:us-east-1:999999999999:cluster/shop"]}`), answer: Refused, class: "argument"},
	{name: "twelve tasks that no session policy holds", persona: "reader", tool: management,
		arguments: api("DescribeTasks", `{"cluster":"shop","tasks":[`+tasks(12, 120)+`]}`), answer: Refused, class: "credentials"},
	{name: "a role that is passed", persona: "deployer", tool: management,
		arguments: api("RegisterTaskDefinition", `{"family":"checkout","taskRoleArn":"arn:aws:iam::123456789012:role/checkout","containerDefinitions":[{"name":"a","image":"public.ecr.aws/nginx/nginx:1"}]}`),
		answer:    Allowed, class: "allowed"},
	{name: "a role that the persona may not pass", persona: "deployer", tool: management,
		arguments: api("RegisterTaskDefinition", `{"family":"checkout","taskRoleArn":"arn:aws:iam::123456789012:role/admin","containerDefinitions":[{"name":"a","image":"public.ecr.aws/nginx/nginx:1"}]}`),
		extra: map[string]who{"deployer": {identity: []string{"deployment"}, boundary: []string{"region-and-production"},
			values: map[string]string{"task_roles": "task-*"}}},
		answer: Refused, class: "policy", kinds: "resource"},
	{name: "tasks that run under the role of an existing definition", persona: "deployer", tool: management,
		arguments: api("RunTask", `{"cluster":"shop","taskDefinition":"checkout:3"}`), tags: map[string]string{"Environment": "staging"}, answer: Allowed, class: "allowed"},
	{name: "a tool that needs no AWS", persona: "reader", tool: "containerize_app", arguments: json.RawMessage(`{"app_path":"/app","port":80}`),
		answer: Allowed, class: "allowed"},
	{name: "a task definition that AWS tells from no other", persona: "deployer", tool: management,
		arguments: api("DeregisterTaskDefinition", `{"taskDefinition":"checkout:3"}`), tags: map[string]string{"Environment": "staging"}, answer: Allowed, class: "allowed"},
	{name: "a boundary of another region", persona: "far", tool: management, arguments: api("ListClusters", `{}`),
		extra: map[string]who{"far": {identity: []string{"read-only-monitoring"},
			boundary: []string{only(`"*"`, `,"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`)}}},
		answer: Refused, class: "policy", kinds: "persona"},
	{name: "neither identity nor boundary allow it", persona: "small", tool: management, arguments: api("UpdateCluster", `{"cluster":"shop"}`),
		extra: map[string]who{"small": {identity: []string{only(`"ecs:List*"`, "")}, boundary: []string{only(`"ecs:List*"`, "")}},
			"deployer": {identity: []string{"read-only-monitoring"}}},
		tags: map[string]string{"Environment": "staging"}, answer: Refused, class: "policy", kinds: "statement statement"},
	{name: "an Allow that asks for a tag which is unknown", persona: "tagged", tool: management, arguments: api("UpdateService", `{"cluster":"shop","service":"checkout"}`),
		extra:  map[string]who{"tagged": {identity: []string{only(`"ecs:*"`, `,"Condition":{"StringLike":{"aws:ResourceTag/Environment":["stag*","test"]}}`)}}},
		answer: Depends, class: "policy"},
	{name: "an Allow that asks for a tag which is absent", persona: "tagged", tool: management, arguments: api("UpdateService", `{"cluster":"shop","service":"checkout"}`),
		extra: map[string]who{"tagged": {identity: []string{only(`"ecs:*"`, `,"Condition":{"StringEquals":{"aws:ResourceTag/Environment":"staging"}}`)}}},
		tags:  map[string]string{"Team": "shop"}, answer: Refused, class: "policy", kinds: "tag"},
	{name: "two tags that both matter", persona: "tagged", tool: management, arguments: api("DeleteService", deleteCheckout),
		extra:  map[string]who{"tagged": {identity: []string{only(`"ecs:*"`, `,"Condition":{"StringEquals":{"aws:ResourceTag/Team":"shop"}}`)}, boundary: []string{"region-and-production"}}},
		answer: Depends, class: "policy"},
	{name: "a tool without AWS that the persona is not shown", persona: "deaf", tool: "containerize_app", arguments: json.RawMessage(`{"app_path":"/app","port":80}`),
		extra:  map[string]who{"deaf": {identity: []string{"read-only-monitoring"}, mcp: []string{only(`"mcp:GetPrompt"`, "")}}},
		answer: Refused, class: "policy", kinds: "persona"},
	{name: "nothing that a change would lift", persona: "stopped", tool: management, arguments: api("ListClusters", `{}`),
		extra: map[string]who{"stopped": {identity: []string{`{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Action":"*","Resource":"*"}]}`}},
			"reader":   {identity: []string{only(`"iam:GetUser"`, "")}, boundary: []string{`{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Action":"*","Resource":"*"}]}`}},
			"deployer": {identity: []string{`{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Action":"*","Resource":"*"}]}`}},
			"checkout": {identity: []string{`{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Action":"*","Resource":"*"}]}`}}},
		answer: Refused, class: "policy"},
}

func (s story) explain(t testing.TB) *Explanation {
	t.Helper()
	x := explainer(t, s.persona, s.extra)
	x.Tags = s.tags
	return ask(t, x, s.tool, s.arguments)
}

func TestStoriesAreToldAsAColleagueWould(t *testing.T) {
	color.NoColor = true
	made := map[string]bool{}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			e := s.explain(t)
			if e.Answer != s.answer || e.Class != s.class {
				t.Errorf("%s (%s), want %s (%s)", e.Answer, e.Class, s.answer, s.class)
			}
			var kinds []string
			if len(e.Suggestions) > 0 {
				for _, c := range e.Suggestions[0].Changes {
					kinds = append(kinds, c.Kind)
				}
			}
			if got := strings.Join(kinds, " "); s.kinds != "" && got != s.kinds {
				t.Errorf("the first suggestion is %q, want %q", got, s.kinds)
			}
			for _, suggestion := range e.Suggestions {
				if again := after(t, suggestion, s); !again.allowed() {
					t.Errorf("%+v does not allow it: %s", suggestion, reason(again))
				}
				for _, c := range suggestion.Changes {
					made[c.Kind] = true
				}
			}
			if e.Revision != "" {
				e.Revision = "REVISION"
			}
			var text strings.Builder
			if err := e.Write(&text); err != nil {
				t.Fatal(err)
			}
			golden(t, s.name, text.String())
		})
	}
	for _, kind := range []string{"tag", "value", "resource", "persona", "statement", "region", "guardrail", "setting"} {
		if !made[kind] {
			t.Errorf("no story suggests a change of kind %s", kind)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, got)
	}
}

func TestWhatACallHoldsReachesNoTerminal(t *testing.T) {
	e := ask(t, explainer(t, "reader", nil), "tool\x1b[2J\x07\u202e", json.RawMessage(`{}`))
	var text strings.Builder
	if err := e.Write(&text); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\x07\u202e") {
		t.Errorf("%q", text.String())
	}
}

func TestArgumentsThatAreNoObjectAreAMistake(t *testing.T) {
	x := explainer(t, "reader", nil)
	for _, arguments := range []string{"[]", "1", "null", "{", `{} {}`, `"{}"`} {
		if _, err := x.Call(t.Context(), management, json.RawMessage(arguments)); !errors.Is(err, ErrArguments) {
			t.Errorf("%s: %v", arguments, err)
		}
	}
	x.Persona = "nobody"
	if _, err := x.Call(t.Context(), management, nil); err == nil {
		t.Error("explained for nobody")
	}
}

// Whatever is typed, the message has one reading: the tool's name and the
// arguments, and nothing beside them.
func FuzzRead(f *testing.F) {
	f.Add("ecs_resource_management", `{"a":1}`)
	f.Add("x", "{\"a\":\r\n1}")
	f.Add(`x","arguments":{},"y":"`, `{}},"id":2,"a":{"b":{}`)
	f.Fuzz(func(t *testing.T, tool, arguments string) {
		m, refused, err := read(tool, json.RawMessage(arguments))
		if refused != nil || err != nil || !utf8.ValidString(tool) {
			return
		}
		var given, got any
		if json.Unmarshal(m.Arguments, &got) != nil || strings.TrimSpace(arguments) != "" && json.Unmarshal([]byte(arguments), &given) != nil {
			t.Fatalf("%q became %q", arguments, m.Arguments)
		}
		if m.Name != tool || given != nil && !reflect.DeepEqual(given, got) {
			t.Errorf("%q %q became %q %q", tool, arguments, m.Name, m.Arguments)
		}
	})
}

// slow decides as its Decider does, until it has been asked often enough.
type slow struct {
	mcp.Decider
	left *int
}

func (s slow) Decide(ctx context.Context, r authz.Request) (authz.Decision, error) {
	if *s.left--; *s.left < 0 {
		return authz.Decision{}, fmt.Errorf("%w: evaluation took over 2s", policy.ErrPolicy)
	}
	return s.Decider.Decide(ctx, r)
}

// A change whose decision fails is not passed over in silence.
func TestASearchThatMissesSomethingSaysSo(t *testing.T) {
	for _, left := range []int{1, 100} {
		x, asked := explainer(t, "reader", nil), left
		x.Compile = func(ctx context.Context, p map[string]policy.Persona) (mcp.Decider, error) {
			d, err := compiled(ctx, p)
			return slow{d, &asked}, err
		}
		e := ask(t, x, "ecs_resource_management", api("CreateCluster", `{"clusterName":"shop"}`))
		missed := strings.Contains(strings.Join(e.Notes, "\n"), "not every change could be tried, so a smaller one may exist (policy error: evaluation took over 2s)")
		if missed != (left == 1) || missed == (len(e.Suggestions) > 0) {
			t.Errorf("after %d decisions: %v, %d suggestions", left, e.Notes, len(e.Suggestions))
		}
	}
}
