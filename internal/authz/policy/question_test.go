package policy

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// spoken are guardrails of a user's own that speak in every way there is: texts,
// objects, what nobody can read, what fails, and every rule that is asked.
const spoken = `-- a.rego --
package ecsmcp.guardrails.a

deny contains "a text" if { input.call.write == true; input.actions["ecs:deleteservice"] == true }

deny contains {"message": "an object", "code": "own", "needs": ["aws:SourceIp"]} if { some x, _ in input.actions; startswith(x, "iam:") }

obligation contains {"kind": "redact", "members": ["a"]} if { some action in {"ecs:describetasks", "ecs:runtask"}; input.actions[action] == true }

context := {"write": input.call.write} if input.regions != {input.region: true}
-- b.rego --
package ecsmcp.guardrails.b

deny contains some_text if { input.call.write == true; input.persona != "off"; some some_text in ["twice", "twice", "once"] }

session_deny contains {"Action": ["ecs:X"], "Resource": ["*"], "Condition": {"Null": {"aws:SourceIp": ["true"]}}} if input.call.write == true

session_deny contains {"Action": ["ecs:Y"], "Resource": ["*"]} if input.actions["ecs:runtask"]
-- c.rego --
package ecsmcp.guardrails.c

deny contains 1 if input.actions["ecs:poll"] == true

context := 1 / (count(input.accesses) - 1) if input.call.sensitive == true
`

// drawRequest draws a request of few actions, regions, resources and tags, whole or broken.
func drawRequest(t *rapid.T) authz.Request {
	r := request(rapid.SampledFrom([]string{"all", "all", "usual", "off", "strict", "nobody"}).Draw(t, "persona"))
	r.Call.Write, r.Call.Sensitive = rapid.Bool().Draw(t, "write"), rapid.IntRange(0, 9).Draw(t, "sensitive") == 0
	r.Call.Arguments = json.RawMessage(rapid.SampledFrom([]string{``, `{}`, `{"desiredCount": 0}`, `{"desired_count": 2}`, `{"overrides": {"command": ["sh"]}}`,
		`{"containerDefinitions": [{"image": "nginx", "privileged": true}]}`, `{"enableExecuteCommand": true, "status": "DRAINING"}`, `{"count": "many"}`, `{`}).Draw(t, "arguments"))
	for range rapid.IntRange(0, 3).Draw(t, "accesses") {
		a := authz.Access{Action: rapid.SampledFrom([]string{"ecs:DeleteService", "ecs:UpdateService", "ecs:StopTask", "ecs:RunTask", "ecs:DescribeTasks", "ecs:ListClusters",
			"ecs:TagResource", "ecs:RegisterTaskDefinition", "ecs:UpdateContainerInstancesState", "ecs:Poll", "iam:PassRole", "iam:CreateRole", "iam:GetRole", "sts:AssumeRole",
			"sts:GetSessionToken", "cloudformation:DeleteStack", "mcp:CallTool", "ecs"}).Draw(t, "action"),
			Resource: rapid.SampledFrom([]string{service, "*", "arn:aws:iam::123456789012:role/web-ecr-role"}).Draw(t, "resource"),
			Subject:  rapid.SampledFrom([]string{"", "", service}).Draw(t, "subject"),
			Context:  in(rapid.SampledFrom([]string{"us-east-1", "us-east-1", "us-east-1", "eu-west-1"}).Draw(t, "region")),
			Optional: rapid.Bool().Draw(t, "optional"), Taggable: rapid.Bool().Draw(t, "taggable"), Creates: rapid.IntRange(0, 4).Draw(t, "creates") == 0,
		}
		for i, key := range []string{"aws:ResourceTag/Environment", authz.SubjectTag + "Environment", "aws:requestedregion", "aws:ResourceTag/environment"} {
			if i > 1 && rapid.IntRange(0, 9).Draw(t, "another spelling") > 0 {
				continue
			}
			switch rapid.IntRange(0, 7).Draw(t, key) {
			case 0, 1:
				a.Unknown = append(a.Unknown, key)
			case 2:
				a.Context[key] = authz.One("production")
			case 3:
				a.Context[key] = authz.Many("staging")
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "no region") == 0 {
			delete(a.Context, "aws:RequestedRegion")
		}
		r.Accesses = append(r.Accesses, a)
	}
	return r
}

// Go makes the decision of what the documents and the guardrails say as the rule
// decision does, and refuses what Rego cannot decide.
func TestNativeDecidesRandomRequestsAsRegoDoes(t *testing.T) {
	source, err := ReadPaths(folder(t, spoken))
	if err != nil {
		t.Fatal(err)
	}
	modules, err := loadModules()
	if err != nil {
		t.Fatal(err)
	}
	known, err := guardrailsOf(modules)
	if err != nil {
		t.Fatal(err)
	}
	on, off := Guardrails{}, Guardrails{"a": "off", "b": "off", "c": "off"}
	for name := range known {
		on[name], off[name] = "on", "off"
	}
	all := []Document{read(t, "all", allowAll)}
	personas := map[string]Persona{
		"all":   {Identity: all, MCP: []Document{shipped(t, "default")}, Guardrails: on},
		"usual": {Identity: []Document{shipped(t, "deployment")}, Boundary: []Document{shipped(t, "region-and-production")}},
		"off":   {Identity: all, Guardrails: off},
		"strict": {Identity: all, Guardrails: Guardrails{"a": "off", "production": map[string]any{"untagged": "deny", "more": []any{"ecs:Update*", "ecs"}},
			"execute_command": map[string]any{"enabling": "deny"}}},
	}
	twin, err := New(t.Context(), personas, source)
	if err != nil {
		t.Fatal(err)
	}
	law, err := NewInRego(t.Context(), personas, source)
	if err != nil {
		t.Fatal(err)
	}
	allowed, denied, failed := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		if r.Persona == "off" {
			r.Call.Sensitive = false // Rego finds the rules of all guardrails, and what fails in one that is off
		}
		got, gotErr := twin.Decide(t.Context(), r)
		want, err := law.Decide(t.Context(), r)
		if (gotErr != nil) != (err != nil) || asText(t, got) != asText(t, want) {
			t.Fatalf("native %s, %v\nRego   %s, %v", asText(t, got), gotErr, asText(t, want), err)
		}
		switch {
		case err != nil:
			failed++
		case want.Allow:
			allowed++
		default:
			denied++
		}
	})
	t.Logf("%d allowed, %d denied, %d failed; guardrails were asked about %d of %d", allowed, denied, failed, twin.native.entered.Load(), twin.native.answered.Load())
	if allowed == 0 || denied == 0 || failed == 0 {
		t.Error("too few to say anything")
	}
}
