package mcp

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// The environment of containers is kept from the client, and no service of
// staging is updated by force.
const privacyRego = `package ecsmcp.guardrails.privacy

obligation contains {"kind": "redact", "members": ["environment", "secrets"]} if input.call.operation == "DescribeTaskDefinition"

session_deny contains {"Action": ["ECS:Update*"], "Resource": ["arn:aws:ecs:*:*:service/staging/*"], "Condition": {"StringEquals": {"aws:ResourceTag/Frozen": ["yes"]}}} if {
	input.actions["ecs:updateservice"] == true
}

context := {"why": "privacy"}
`

var describeDefinition = manage(1, "DescribeTaskDefinition", `{"taskDefinition":"checkout:1"}`)

func TestAnObligationKeepsValuesFromTheClient(t *testing.T) {
	tb := converse(t, "own", ownPolicy(t, allowAll, "", privacyRego))
	tb.say(describeDefinition)
	tb.get()
	// By another way, while the call is under way and later.
	tb.tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"environment":["hunter2"]}}}`)
	tb.tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"step 1"}}`)
	wants(t, tb.hear(), "step 1")
	tb.tell(`{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"environment: hunter2"}}]}}`)
	wants(t, tb.get(), `"id":"s"`, "-32601")

	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"taskDefinition\": {\"environment\": [{\"value\": \"hunter2\"}], \"revision\": 9007199254740993}}"}],"structuredContent":{"environment":["hunter2"]}, "x":1.0 }}`)
	want := `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"taskDefinition\": {\"environment\": \"[redacted by policy]\", \"revision\": 9007199254740993}}"}],"structuredContent":{"environment":"[redacted by policy]"}, "x":1.0 }}`
	if got := tb.hear(); got != want {
		t.Errorf("the client got %s", got)
	}
	records := tb.records(4)
	if d := records[0].Result; len(d.Obligations) != 1 || d.Context["privacy"] == nil {
		t.Errorf("decision %+v", d)
	}
	if r := records[3]; r.Phase != audit.PhaseOutcome || r.Redacted != 2 {
		t.Errorf("outcome %+v", r)
	}
	wants(t, records[1].Message, "notifications/message", "dropped")

	tb.tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"late environment=hunter2"}}`)
	tb.say(manage(2, "ListClusters", `{}`)) // of which nothing is kept
	tb.get()
	answer := `{"jsonrpc":"2.0","id":2,"result":{"structuredContent":{"environment":"staging"}}}`
	tb.tell(answer)
	if got := tb.hear(); got != answer {
		t.Errorf("the client got %s", got)
	}
}

func TestEveryWayToAnswerIsRedacted(t *testing.T) {
	for name, answer := range map[string]string{
		"an error":                        `{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"environment hunter2","data":{"environment":"hunter2"}}}`,
		"a tool error":                    `{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"bad environment=hunter2"}]}}`,
		"a question in place of a result": `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"a":{"environment":"hunter2"}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", ownPolicy(t, allowAll, "", privacyRego))
			tb.say(describeDefinition)
			tb.get()
			tb.tell(answer)
			if got := tb.hear(); strings.Contains(got, "hunter2") || !strings.Contains(got, "by policy") {
				t.Errorf("the client got %s", got)
			}
			tb.records(2)
		})
	}
	t.Run("an error in the words of the proxy's own", func(t *testing.T) {
		connected := func(p *Process) { p.Working = func(wire.Key) bool { return false } }
		tb := converseWith(t, oneLane, "own", ownPolicy(t, allowAll, "", privacyRego), connected)
		tb.say(describeDefinition)
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"ecs-mcp-proxy: environment=hunter2"}}`)
		if got := tb.hear(); strings.Contains(got, "hunter2") || !strings.Contains(got, "by policy") {
			t.Errorf("the client got %s", got)
		}
	})
	// A server may answer although it was told to stop. If nothing was lent for the
	// call, nobody waits for that, and the client could have used the id again.
	t.Run("one that comes when its id is used again", func(t *testing.T) {
		tb := converseOn(t, lane.Config{Lanes: 1, Delivery: grant.DeliverNone}, "own", ownPolicy(t, allowAll, "", privacyRego))
		tb.say(describeDefinition)
		tb.get()
		tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		tb.get()
		tb.say(`{"jsonrpc":"2.0","id":1.0,"method":"ping"}`)
		wants(t, tb.hear(), "the id is in use")
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"environment":"hunter2"}}}`)
		tb.records(4)
		tb.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		wants(t, tb.get(), "ping")
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
		if got := tb.hear(); got != `{"jsonrpc":"2.0","id":1,"result":{}}` {
			t.Errorf("the client got %s", got)
		}
	})
	t.Run("one after a cancel", func(t *testing.T) {
		tb := converse(t, "own", ownPolicy(t, allowAll, "", privacyRego))
		tb.say(describeDefinition)
		tb.get()
		tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"environment":"hunter2"}}}`)
		if got := tb.hear(); strings.Contains(got, "hunter2") {
			t.Errorf("the client got %s", got)
		}
	})
}

func TestAnObligationThatIsNotUnderstoodRefuses(t *testing.T) {
	for name, rego := range map[string]string{
		"of an unknown kind":          `obligation contains {"kind": "encrypt", "members": ["environment"]}`,
		"without members":             `obligation contains {"kind": "redact"}`,
		"with a member of its own":    `obligation contains {"kind": "redact", "members": ["a"], "depth": 1}`,
		"a Deny without a resource":   `session_deny contains {"Action": ["*"]}`,
		"a Deny with a bad operator":  `session_deny contains {"Action": ["*"], "Resource": ["*"], "Condition": {"StringEqual": {"aws:ResourceTag/A": ["b"]}}}`,
		"a Deny with a variable":      `session_deny contains {"Action": ["*"], "Resource": ["*"], "Condition": {"StringEquals": {"aws:ResourceTag/A": ["${aws:username}"]}}}`,
		"a Deny with another element": `session_deny contains {"NotAction": ["ecs:ListClusters"], "Resource": ["*"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", ownPolicy(t, allowAll, "", "package ecsmcp.guardrails.odd\n\n"+rego+` if input.call.method == "tools/call"`))
			tb.say(manage(1, "ListClusters", `{}`))
			wants(t, tb.hear(), `"isError":true`, "policy could not be evaluated")
			if r := tb.records(1)[0]; r.Class != "policy" || len(tb.aws.Sessions()) != 0 {
				t.Errorf("record %+v", r)
			}
		})
	}
}

func TestASessionDenyIsAWSsToEnforce(t *testing.T) {
	for _, frozen := range []bool{false, true} {
		tb := converse(t, "own", ownPolicy(t, allowAll, "", privacyRego))
		tb.say(manage(1, "UpdateService", updateStaging))
		tb.get()
		if frozen {
			tb.aws.SetTag(stagingService, "Frozen", "yes")
		}
		err := tb.updateStaging()
		if frozen != (err != nil && strings.Contains(err.Error(), "explicit deny in a session policy")) {
			t.Errorf("frozen %t: %v\n%s", frozen, err, tb.records(1)[0].Grant.SessionPolicy)
		}
	}
}

func TestReadsWithDifferentDeniesShareNoGrant(t *testing.T) {
	denies := 0
	tb := converse(t, "reader", func(g *Gate) {
		real, err := engine()
		check(t, err)
		g.Policy = func(context.Context) (Decider, error) {
			denies++
			return denying{real, fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:service/staging/frozen%d", denies)}, nil
		}
	})
	for id := range 2 {
		tb.say(manage(id, "DescribeServices", readStaging))
		tb.get()
		tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{}}`, id))
		tb.hear()
	}
	records := tb.records(4)
	if records[0].Grant.AccessKeyID == records[2].Grant.AccessKeyID {
		t.Error("a grant was lent again although policy denies something else")
	}
}

// denying adds a Deny to what policy answers.
type denying struct {
	Decider
	resource string
}

func (d denying) Decide(ctx context.Context, r authz.Request) (authz.Decision, error) {
	decision, err := d.Decider.Decide(ctx, r)
	decision.SessionDeny = append(decision.SessionDeny, authz.SessionDeny{Action: []string{"*"}, Resource: []string{d.resource}})
	return decision, err
}
