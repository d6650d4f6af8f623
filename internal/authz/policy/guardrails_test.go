package policy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

// everybody may do everything and has the guardrails as given, so that only they
// decide.
func everybody(t *testing.T, guardrails Guardrails) *Engine {
	t.Helper()
	e, err := New(t.Context(), map[string]Persona{"everybody": {
		Identity: []Document{read(t, "all", allowAll)}, MCP: []Document{shipped(t, "default")}, Guardrails: guardrails}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// called is the request that a call of the shipped catalogue becomes.
func called(t testing.TB, persona, tool, arguments string) authz.Request {
	t.Helper()
	c, err := catalog.Builtin("awslabs.ecs-mcp-server")
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Resolve(catalog.Env{Partition: "aws", Account: "123456789012", Region: "us-east-1"}, tool, json.RawMessage(arguments))
	if err != nil {
		t.Fatalf("%s %s: %v", tool, arguments, err)
	}
	request := request(persona, r.Accesses...)
	request.Call = authz.Call{Method: "tools/call", Server: c.Server(), Tool: r.Tool, Operation: r.Operation,
		Write: r.Write, Sensitive: r.Sensitive, EscapesScope: r.EscapesScope, LeavesCredentials: r.LeavesCredentials, Arguments: json.RawMessage(arguments)}
	return request
}

func operated(t testing.TB, persona, operation, params string) authz.Request {
	t.Helper()
	return called(t, persona, "ecs_resource_management", fmt.Sprintf(`{"api_operation":%q,"api_params":%s}`, operation, params))
}

// withTag is the request after the tags of all resources and subjects were looked up.
func withTag(r authz.Request, value string) authz.Request {
	r.Accesses = slices.Clone(r.Accesses)
	for i, a := range r.Accesses {
		a.Context, a.Unknown = maps.Clone(a.Context), slices.Clone(a.Unknown)
		for _, prefix := range []string{"aws:ResourceTag/", authz.SubjectTag} {
			if a.IsUnknown(prefix+"Environment") && value != "" {
				a.Context[prefix+"Environment"] = authz.One(value)
			}
			a.Unknown = slices.DeleteFunc(a.Unknown, func(key string) bool { return strings.HasPrefix(key, prefix) })
		}
		r.Accesses[i] = a
	}
	return r
}

func codes(d authz.Decision) []string {
	var found []string
	for _, reason := range d.Denies {
		found = append(found, reason.Code)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

const (
	web        = `{"name":"web","image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1"}`
	definition = `{"family":"web","containerDefinitions":[` + web + `]}`
)

// Every guardrail that denies allows one call and denies another that differs little, with
// what the catalogue makes of both. It denies nothing if it is off.
func TestEachGuardrailAllowsAndDenies(t *testing.T) {
	on := Guardrails{"image_registry": "on", "public_ip": "on", "mass_change": "on", "scale_limit": "on", "forced_delete": "on"}
	tests := map[string]struct {
		operation, allowed, denied string
		deniedOperation            string // if it differs
		message                    string
	}{
		"account_settings": {"ListAccountSettings", `{}`, `{"name":"containerInsights","value":"disabled"}`, "PutAccountSettingDefault", "would change a setting of the account"},
		"agent_api":        {"ListContainerInstances", `{"cluster":"shop"}`, `{"cluster":"shop"}`, "RegisterContainerInstance", "is for the container agent"},
		"execute_command":  {"DescribeTasks", `{"cluster":"shop","tasks":["0123"]}`, `{"cluster":"shop","task":"0123","command":"id","interactive":true}`, "ExecuteCommand", "would run a command"},
		"forced_delete":    {"DeleteService", `{"cluster":"shop","service":"web"}`, `{"cluster":"shop","service":"web","force":true}`, "", "api_params.force deletes what is in use"},
		"host_network": {"RegisterTaskDefinition", definition,
			`{"family":"web","networkMode":"host","containerDefinitions":[` + web + `]}`, "", `api_params.networkMode is "host"`},
		"image_registry": {"RegisterTaskDefinition", definition,
			`{"family":"web","containerDefinitions":[{"name":"web","image":"nginx"}]}`, "", `container "web" has the image "nginx", whose registry is not listed`},
		"mass_change": {"DeleteTaskDefinitions", `{"taskDefinitions":["web:1","web:2"]}`,
			`{"taskDefinitions":["web:1","web:2","web:3","web:4","web:5","web:6"]}`, "", "would change 6 resources"},
		"pass_role": {"RegisterTaskDefinition", `{"family":"web","taskRoleArn":"task","containerDefinitions":[` + web + `]}`,
			`{"name":"burst","managedInstancesProvider":{"infrastructureRoleArn":"infra","instanceLaunchTemplate":{"ec2InstanceProfileArn":"arn:aws:iam::123456789012:instance-profile/node","networkConfiguration":{"subnets":["subnet-1"]}}}}`,
			"CreateCapacityProvider", "would be passed to ec2.amazonaws.com"},
		"plain_secrets": {"RegisterTaskDefinition", definition,
			`{"family":"web","containerDefinitions":[{"name":"web","image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1","environment":[{"name":"AWS_SECRET_ACCESS_KEY","value":"hunter2"}]}]}`,
			"", `container "web" gives the variable "AWS_SECRET_ACCESS_KEY" in plain text`},
		"privileged_task": {"RegisterTaskDefinition", definition,
			`{"family":"web","containerDefinitions":[{"name":"web","image":"123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1","privileged":true}]}`, "", `container "web" is privileged`},
		"production": {"UpdateService", `{"cluster":"shop","service":"web","desiredCount":1}`, `{"cluster":"shop","service":"web","desiredCount":0}`, "", "marks as production"},
		"public_ip": {"RunTask", `{"cluster":"shop","taskDefinition":"web:1"}`,
			`{"cluster":"shop","taskDefinition":"web:1","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"],"assignPublicIp":"ENABLED"}}}`, "", "gives tasks a public address"},
		"run_overrides": {"RunTask", `{"cluster":"shop","taskDefinition":"web:1"}`,
			`{"cluster":"shop","taskDefinition":"web:1","overrides":{"containerOverrides":[{"name":"web","command":["sh"]}]}}`, "", "containerOverrides[0].command overrides the command"},
		"scale_limit":    {"UpdateService", `{"cluster":"shop","service":"web","desiredCount":100}`, `{"cluster":"shop","service":"web","desiredCount":101}`, "", "asks for 101 tasks"},
		"tag_escalation": {"UntagResource", `{"resourceArn":"` + service + `","tagKeys":["Team"]}`, `{"resourceArn":"` + service + `","tagKeys":["Environment"]}`, "", `would change the tag "Environment"`},
	}
	known := guardrailNames(t)
	for _, name := range known {
		if _, ok := tests[name]; !ok && name != "region" && name != "iam_escalation" && !slices.Contains([]string{"redact_answers", "leaves_credentials", "confirm"}, name) { // below; package redact
			t.Errorf("guardrail %s is not among the tests", name)
		}
	}
	e := everybody(t, on)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			operation := tt.deniedOperation
			if operation == "" {
				operation = tt.operation
			}
			tag := "staging"
			if name == "production" {
				tag = "production"
			}
			allowed, denied := withTag(operated(t, "everybody", tt.operation, tt.allowed), tag), withTag(operated(t, "everybody", operation, tt.denied), tag)
			if d, err := e.Decide(t.Context(), allowed); err != nil || !d.Allow {
				t.Errorf("the allowed call: %v, %v", d.Denies, err)
			}
			d, err := e.Decide(t.Context(), denied)
			if err != nil || d.Allow || !slices.Equal(codes(d), []string{name}) {
				t.Fatalf("the denied call: %+v, %v", d.Denies, err)
			}
			if r := d.Denies[0]; r.Title == "" || r.Remedy == "" || !strings.Contains(r.Message, tt.message) {
				t.Errorf("reason %+v does not say %q", r, tt.message)
			}
			if strings.Contains(fmt.Sprint(d.Denies), "hunter2") {
				t.Error("the reason holds the secret")
			}
			without := maps.Clone(on)
			without[name] = "off"
			if d, err := everybody(t, without).Decide(t.Context(), denied); err != nil || !d.Allow {
				t.Errorf("switched off, it is denied all the same: %v, %v", d.Denies, err)
			}
		})
	}
}

func guardrailNames(t *testing.T) []string {
	t.Helper()
	modules, err := loadModules()
	if err != nil {
		t.Fatal(err)
	}
	known, err := guardrailsOf(modules)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(known))
}

// What the catalogue cannot bring about is asked directly.
func TestRegionAndEscalationAreDenied(t *testing.T) {
	e := everybody(t, nil)
	role := func(action, name string) authz.Access {
		return authz.Access{Action: action, Resource: "arn:aws:iam::123456789012:role/" + name, Context: in("us-east-1"), Global: true}
	}
	for name, tt := range map[string]struct {
		access authz.Access
		code   string
	}{
		"another region": {authz.Access{Action: "ecr:ListImages", Resource: "arn:aws:ecr:eu-west-1:123456789012:repository/web", Context: in("eu-west-1")}, "region"},
		"this region":    {authz.Access{Action: "ecr:ListImages", Resource: "arn:aws:ecr:us-east-1:123456789012:repository/web", Context: in("us-east-1")}, ""},
		"a role changed": {role("iam:AttachRolePolicy", "task"), "iam_escalation"},
		"a role read":    {role("iam:GetRole", "task"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := request("everybody", tt.access)
			r.Call.Write = true
			d, err := e.Decide(t.Context(), r)
			if err != nil || d.Allow != (tt.code == "") || strings.Join(codes(d), " ") != tt.code {
				t.Errorf("got %v, %v", d.Denies, err)
			}
		})
	}
}

// The one tool that escapes every grant is for personas that name it.
func TestCredentialsAreLeftOnlyByToolsThatAreNamed(t *testing.T) {
	build := called(t, "everybody", "build_and_push_image_to_ecr", `{"app_name":"web","app_path":"/src/web"}`)
	for name, tt := range map[string]struct {
		guardrails Guardrails
		want       []string
	}{
		"by default":              {nil, []string{"leaves_credentials"}},
		"with another tool named": {Guardrails{"leaves_credentials": map[string]any{"tools": []any{"delete_app"}}}, []string{"leaves_credentials"}},
		"with the tool named":     {Guardrails{"leaves_credentials": map[string]any{"tools": []any{"build_and_push_image_to_ecr"}}}, nil},
		"with the guardrail off":  {Guardrails{"leaves_credentials": "off"}, nil},
	} {
		d, err := everybody(t, tt.guardrails).Decide(t.Context(), withTag(build, "staging"))
		if err != nil || !slices.Equal(codes(d), tt.want) || d.Allow != (tt.want == nil) {
			t.Errorf("%s: %+v, %v", name, d.Denies, err)
		}
	}
}

// The tools that need more than ECS work with the guardrails that are on by default.
func TestGuardrailsLeaveTheShippedToolsAlone(t *testing.T) {
	e := everybody(t, nil)
	for tool, arguments := range map[string]string{
		"delete_app":                              `{"app_name":"web","service_arn":"` + service + `"}`,
		"wait_for_service_ready":                  `{"cluster":"shop","service_name":"web"}`,
		"validate_ecs_express_mode_prerequisites": `{"image_uri":"123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1"}`,
		"ecs_troubleshooting_tool":                `{"action":"fetch_network_configuration","parameters":{"ecs_cluster_name":"shop"}}`,
		"containerize_app":                        `{"app_path":"/src/web","port":80}`,
	} {
		d, err := e.Decide(t.Context(), withTag(called(t, "everybody", tool, arguments), "staging"))
		if err != nil || !d.Allow {
			t.Errorf("%s: %v, %v", tool, d.Denies, err)
		}
	}
	d, err := e.Decide(t.Context(), withTag(called(t, "everybody", "delete_app", `{"app_name":"web","service_arn":"`+service+`"}`), "production"))
	if err != nil || !slices.Equal(codes(d), []string{"production"}) {
		t.Errorf("delete_app of production: %v, %v", d.Denies, err)
	}
}

// A tag that was not looked up denies, and says that looking it up is worth while.
func TestUnknownTagsAreWorthLookingUp(t *testing.T) {
	e := everybody(t, nil)
	for operation, params := range map[string]string{
		"DeleteService":               `{"cluster":"shop","service":"web"}`,
		"StopTask":                    `{"cluster":"shop","task":"0123"}`,
		"DeregisterTaskDefinition":    `{"taskDefinition":"web:1"}`,
		"DeregisterContainerInstance": `{"cluster":"shop","containerInstance":"0123"}`,
	} {
		t.Run(operation, func(t *testing.T) {
			r := operated(t, "everybody", operation, params)
			d, err := e.Decide(t.Context(), r)
			if err != nil || d.Allow || !d.Possible(r) {
				t.Errorf("unknown: got %+v, %v", d.Denies, err)
			}
			for value, allow := range map[string]bool{"production": false, " PROD": false, "staging": true, "": true} {
				r := withTag(r, value)
				d, err := e.Decide(t.Context(), r)
				if err != nil || d.Allow != allow {
					t.Errorf("%q: got %+v, %v", value, d.Denies, err)
				}
				if !allow && d.Possible(r) {
					t.Errorf("%q: what is production cannot become anything else", value)
				}
				if strings.Contains(fmt.Sprint(d.Denies), value) && strings.TrimSpace(value) != "" && value != "production" {
					t.Errorf("%q: the reason holds the tag's value: %v", value, d.Denies)
				}
			}
		})
	}
}

// The guardrail confirm allows and obliges. A tag that could spare the user the
// question is worth looking up.
func TestChangesAreConfirmedByTheirTag(t *testing.T) {
	update := `{"cluster":"shop","service":"web","desiredCount":2}`
	for name, tt := range map[string]struct {
		settings  any
		operation string
		tag       string
		asks      bool
	}{
		"off":                       {"off", "UpdateService", "production", false},
		"any change":                {"on", "UpdateService", "staging", true},
		"a read":                    {"on", "DescribeClusters", "production", false},
		"production":                {map[string]any{"values": []string{"production"}}, "UpdateService", "production", true},
		"staging":                   {map[string]any{"values": []string{"production"}}, "UpdateService", "staging", false},
		"an action that is listed":  {map[string]any{"actions": []string{"ecs:Update*"}}, "UpdateService", "staging", true},
		"one that is not":           {map[string]any{"actions": []string{"ecs:Delete*"}}, "UpdateService", "staging", false},
		"production, of an unknown": {map[string]any{"values": []string{"production"}}, "UpdateService", "?", true},
	} {
		t.Run(name, func(t *testing.T) {
			params := update
			if tt.operation == "DescribeClusters" {
				params = `{}`
			}
			r := operated(t, "everybody", tt.operation, params)
			if tt.tag != "?" {
				r = withTag(r, tt.tag)
			}
			d, err := everybody(t, Guardrails{"confirm": tt.settings}).Decide(t.Context(), r)
			if err != nil || !d.Allow || d.Confirms() != tt.asks {
				t.Errorf("got %+v, %v", d, err)
			}
			if needs := slices.ContainsFunc(d.Obligations, func(o authz.Obligation) bool { return len(o.Needs) > 0 }); needs != (tt.tag == "?") {
				t.Errorf("needs %t", needs)
			}
		})
	}
}

// AWS checks the tag once more, whatever the proxy saw.
func TestProductionIsRepeatedInTheGrant(t *testing.T) {
	e := everybody(t, Guardrails{"production": map[string]any{"tag": "Stage", "values": []string{"live"}}})
	r := withTag(operated(t, "everybody", "DeleteService", `{"cluster":"shop","service":"web"}`), "")
	d, err := e.Decide(t.Context(), r)
	want := authz.SessionDeny{Action: []string{"ecs:DeleteService"}, Resource: []string{"*"},
		Condition: map[string]map[string][]string{"StringEqualsIgnoreCase": {"aws:ResourceTag/Stage": {"live"}}}}
	if err != nil || !d.Allow || len(d.SessionDeny) != 1 || fmt.Sprint(d.SessionDeny[0]) != fmt.Sprint(want) {
		t.Errorf("got %+v, %v", d, err)
	}
}

// What the Rego tests show with stock opa holds as the proxy evaluates, where a
// failing builtin ends the evaluation.
func TestGuardrailsFailNoBuiltin(t *testing.T) {
	modules := map[string]*ast.Module{}
	for _, dir := range []string{"iam", "guardrails", "lib"} {
		err := fs.WalkDir(files.Files, dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".rego") || dir == "iam" && strings.HasSuffix(path, "_test.rego") {
				return err
			}
			b, err := fs.ReadFile(files.Files, path)
			if err == nil {
				modules[path], err = parseModule(path, b)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	results, err := tester.NewRunner().SetStore(inmem.New()).RaiseBuiltinErrors(true).SetModules(modules).SetTimeout(time.Minute).RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for result := range results {
		if ran++; !result.Pass() {
			t.Errorf("%s.%s: %v %v", result.Package, result.Name, result.Error, result.FailedAt)
		}
	}
	if ran < 50 {
		t.Errorf("only %d tests ran", ran)
	}
}

func guardrailsDocument(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "guardrails.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// docs/guardrails.md names every guardrail with its default and remedy, and every
// setting with its default.
func TestGuardrailsAreDocumented(t *testing.T) {
	tables, _, _ := strings.Cut(guardrailsDocument(t), "## Choices")
	rows := map[string]string{}
	for line := range strings.Lines(tables) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); ok && strings.HasPrefix(line, "| `") {
			rows[name] = line
		}
	}
	modules, err := loadModules()
	if err != nil {
		t.Fatal(err)
	}
	known, err := guardrailsOf(modules)
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range known {
		word := map[bool]string{false: "| on |", true: "| off |"}[g.off]
		if !strings.Contains(rows[name], word) || !strings.Contains(rows[name], g.remedy) {
			t.Errorf("%s: the table must have a row with %s and its remedy %q; it has %q", name, word, g.remedy, rows[name])
		}
		for setting, value := range g.settings {
			standard, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			if key := name + "." + setting; !strings.Contains(rows[key], "`"+string(standard)+"`") {
				t.Errorf("%s: the table of settings must have a row with its default `%s`; it has %q", key, standard, rows[key])
			}
		}
	}
	for name := range rows {
		guardrail, setting, _ := strings.Cut(name, ".")
		if _, ok := known[guardrail]; !ok {
			t.Errorf("the tables name %s, which is no guardrail", name)
		} else if _, ok := known[guardrail].settings[setting]; setting != "" && !ok {
			t.Errorf("the tables name %s, which is no setting", name)
		}
	}
}

// The guardrail that docs/guardrails.md shows works as it stands there.
func TestTheDocumentedGuardrailWorks(t *testing.T) {
	_, text, _ := strings.Cut(guardrailsDocument(t), "```rego\n")
	text, _, _ = strings.Cut(text, "```\n")
	for name, guardrails := range map[string]Guardrails{"friday": nil, "monday": {"no_friday_name": map[string]any{"days": []any{"monday"}}}} {
		e, err := ownEngine(t, guardrails, text)
		if err != nil {
			t.Fatal(err)
		}
		for asked, allow := range map[string]bool{name: false, "web": true} {
			d, err := e.Decide(t.Context(), operated(t, "all", "CreateService", fmt.Sprintf(`{"serviceName":%q,"taskDefinition":"web:1"}`, asked)))
			if err != nil || d.Allow != allow || !allow && (d.Denies[0].Code != "no_friday_name" || d.Denies[0].Remedy != "Choose another name.") {
				t.Errorf("%s: got %+v, %v", asked, d.Denies, err)
			}
		}
	}
}
