package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// calls are what the property is tried on: operations of every kind.
var calls = []json.RawMessage{
	api("DeleteService", deleteCheckout),
	api("DeleteCluster", `{"cluster":"warehouse"}`),
	api("UpdateService", `{"cluster":"shop","service":"basket","desiredCount":0}`),
	api("ListServices", `{"cluster":"warehouse"}`),
	api("ListTasks", `{"cluster":"shop","serviceName":"checkout"}`),
	api("StopTask", `{"cluster":"shop","task":"0123456789abcdef0123456789abcdef"}`),
	api("ExecuteCommand", `{"cluster":"shop","task":"0123456789abcdef0123456789abcdef","command":"sh","interactive":true}`),
	api("DeregisterTaskDefinition", `{"taskDefinition":"checkout:3"}`),
	api("RunTask", `{"cluster":"shop","taskDefinition":"basket:1"}`),
	api("TagResource", `{"resourceArn":"arn:aws:ecs:us-east-1:123456789012:cluster/shop","tags":[{"key":"Environment","value":"staging"}]}`),
	api("PutAccountSettingDefault", `{"name":"containerInsights","value":"enabled"}`),
	api("DescribeTaskDefinition", `{"taskDefinition":"checkout:3"}`),
}

var tagged = []map[string]string{nil, {"Environment": "production"}, {"Environment": "staging"}, {"Team": "shop"}}

// TestEverySuggestionThatIsMadeAllows makes every suggestion from what is printed
// of it, in an explainer of its own, and asks again.
func TestEverySuggestionThatIsMadeAllows(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	tried, made := 0, map[string]int{}
	for range 4 {
		arguments, tags := calls[random.IntN(len(calls))], tagged[random.IntN(len(tagged))]
		persona := slices.Sorted(maps.Keys(people))[random.IntN(len(people))]
		x := explainer(t, persona, nil)
		x.Tags = tags
		for _, s := range ask(t, x, management, arguments).Suggestions {
			tried++
			for _, c := range s.Changes {
				made[c.Kind]++
			}
			if again := after(t, s, story{persona: persona, tool: management, tags: tags, arguments: arguments}); !again.allowed() {
				t.Errorf("persona %s, tags %v, %s: %+v does not allow it: %s", persona, tags, arguments, s, reason(again))
			}
		}
	}
	if tried == 0 {
		t.Error("nothing was suggested at all")
	}
	t.Logf("%d suggestions, of changes %v", tried, made)
}

// after makes the changes from their members, as they are in the JSON, and asks.
func after(t *testing.T, s Suggestion, of story) judged {
	t.Helper()
	x, tags := explainer(t, of.persona, of.extra), of.tags
	for _, c := range s.Changes {
		if c.Region != "" {
			callers, personas, err := x.InRegion(c.Region)
			if err != nil {
				t.Fatal(err)
			}
			x.Callers, x.Personas = callers, personas
		}
		if c.Persona != "" {
			x.Persona = c.Persona
		}
		if c.Tags != nil {
			tags = maps.Clone(tags)
			if tags == nil {
				tags = map[string]string{}
			}
			for name, value := range c.Tags {
				delete(tags, name)
				if value != nil {
					tags[name] = *value
				}
			}
		}
	}
	x.Tags = tags
	for i, c := range s.Changes {
		p := x.Personas[x.Persona]
		p.Guardrails = maps.Clone(p.Guardrails)
		if p.Guardrails == nil {
			p.Guardrails = policy.Guardrails{}
		}
		maps.Copy(p.Guardrails, c.Guardrails)
		if c.Statements != nil {
			d, err := policy.ReadDocument(fmt.Sprintf("pasted-%d", i), []byte(`{"Version":"2012-10-17","Statement":`+string(c.Statements)+`}`))
			if err != nil {
				t.Fatal(err)
			}
			switch c.Layer {
			case "identity":
				p.Identity = append(slices.Clone(p.Identity), d)
			case "boundary":
				p.Boundary = append(slices.Clone(p.Boundary), d)
			case "mcp":
				p.MCP = append(slices.Clone(p.MCP), d)
			default:
				t.Fatalf("a statement for layer %q", c.Layer)
			}
		}
		x.Personas = maps.Clone(x.Personas)
		x.Personas[x.Persona] = p
	}
	message, refused, err := read(of.tool, of.arguments)
	if err != nil || refused != nil {
		t.Fatal(err, refused)
	}
	q := x.inquiry(message)
	at, err := x.situation()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Changes { // what only other arguments can bring about
		if c.Kind == "value" || c.Kind == "resource" {
			if at, err = c.apply(at); err != nil {
				t.Fatal(err)
			}
		}
	}
	j, err := q.ask(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
