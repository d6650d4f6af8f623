package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

func TestAnAllowedCallIsForwardedAsItWasWithALeaseAndARecord(t *testing.T) {
	tb := converse(t, "reader", nil)
	line := strings.Replace(manage(1, "DescribeServices", readStaging), `"params":{`, `"params":{ "_meta":{"progressToken":9007199254740993},`, 1)
	tb.say(line)
	if got := tb.get(); got != line {
		t.Errorf("the server got %s", got)
	}
	records := tb.records(1) // before the answer
	if r := records[0]; r.Phase != audit.PhaseDecision || r.Grant == nil || r.Grant.SessionName != "ecsmcp-"+r.DecisionID || r.Revision == "" || r.Input.Operation != "DescribeServices" {
		t.Errorf("decision record %+v", r)
	}
	answer := `{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"n":9007199254740993}}}`
	tb.tell(answer)
	if got := tb.hear(); got != answer {
		t.Errorf("the client got %s", got)
	}
	if r := tb.records(2)[1]; r.Phase != audit.PhaseOutcome || r.Class != "answered" || r.DecisionID != records[0].DecisionID {
		t.Errorf("outcome record %+v", r)
	}
	session := tb.aws.Sessions()[0]
	if session.SourceIdentity != grant.SourceIdentity("os-user", "alice") || session.Tags["persona"] != "reader" ||
		session.Tags["server"] != "awslabs.ecs-mcp-server" || session.Tags["tool"] != "ecs_resource_management" {
		t.Errorf("session %+v", session)
	}
}

func TestADeniedCallReachesNobody(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "DeleteService", deleteProd))
	got := tb.hear()
	r := tb.records(1)[0]
	wants(t, got, `"isError":true`, "ProductionProtection", "Decision "+r.DecisionID, "ecs-mcp-proxy audit show "+r.DecisionID)
	if r.Phase != audit.PhaseRefusal || r.Class != "policy" || r.Result == nil || r.Grant != nil {
		t.Errorf("record %+v", r)
	}
	if len(tb.aws.Sessions()) != 0 {
		t.Error("a session was minted for a refused call")
	}
	tb.reachedNothing()
}

// reachedNothing: the next thing that the server gets is a ping, so nothing
// that came before reached it.
func (tb *table) reachedNothing() {
	tb.t.Helper()
	ping := `{"jsonrpc":"2.0","id":"is anything there?","method":"ping"}`
	tb.say(ping)
	if got := tb.get(); got != ping {
		tb.t.Errorf("the server got %s", got)
	}
}

func TestWhatIsNotJudgedReachesNobody(t *testing.T) {
	for name, line := range map[string]string{
		"an unknown method":         `{"jsonrpc":"2.0","id":1,"method":"not/a/method"}`,
		"a task's method":           `{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"x"}}`,
		"an unknown notification":   `{"jsonrpc":"2.0","method":"notifications/unheard-of"}`,
		"a request as notification": `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"containerize_app"}}`,
		"a notification as request": `{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}`,
		"garbage":                   `GET / HTTP/1.1`,
		"a batch":                   `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`,
		"a repeated key":            `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"containerize_app"}}`,
		"an answer to nothing":      `{"jsonrpc":"2.0","id":1,"result":{}}`,
		"an unknown tool":           `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no_such_tool","arguments":{}}}`,
		"a task-augmented call":     `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"containerize_app","task":{},"arguments":{}}}`,
		"an unknown operation":      manage(1, "DeleteEverything", `{}`),
		"a wrong type":              manage(1, "DescribeServices", `{"services":"checkout"}`),
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "reader", nil)
			tb.say(line)
			if strings.Contains(line, `"id":1,"method"`) || strings.HasPrefix(line, "G") || strings.HasPrefix(line, "[") {
				wants(t, tb.hear(), `audit show `+tb.records(1)[0].DecisionID)
			}
			tb.reachedNothing()
			if r := tb.records(1)[0]; r.Phase != audit.PhaseRefusal {
				t.Errorf("record %+v", r)
			}
		})
	}
}

func TestMinimalDetailTellsAbsentAndForbiddenAlike(t *testing.T) {
	tb := converse(t, "deployer", func(g *Gate) { g.FullDetail = false })
	var texts []string
	for i, params := range []string{deleteProd, `{"cluster":"production","service":"nowhere1"}`} {
		tb.say(manage(i, "DeleteService", params))
		text := tb.hear()
		records := tb.records(i + 1)
		text = strings.ReplaceAll(text, records[i].DecisionID, "ID")
		texts = append(texts, strings.Replace(text, fmt.Sprintf(`"id":%d`, i), "", 1))
	}
	if texts[0] != texts[1] {
		t.Errorf("the refusal tells whether the service exists:\n%s\n%s", texts[0], texts[1])
	}
}

func TestFactsAreReadOnlyIfTheyCouldMatter(t *testing.T) {
	tb := converse(t, "reader", nil)
	tb.say(manage(1, "DeleteService", deleteProd)) // a reader could never
	wants(t, tb.hear(), "nothing in the persona's policies allows it")
	if n := len(tb.aws.Requests()); n != 0 {
		t.Errorf("AWS was asked %d times for a caller without rights", n)
	}
}

func TestASeenTagIsPinned(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "DeleteService", `{"cluster":"staging","service":"checkout"}`))
	tb.get()
	wants(t, tb.records(1)[0].Grant.SessionPolicy, `"aws:ResourceTag/Environment":"staging"`)
}

func TestACallThatIsJudgedHoldsNobodyBack(t *testing.T) {
	ready := make(chan struct{})
	tb := converse(t, "reader", func(g *Gate) {
		g.Policy = func(ctx context.Context) (Decider, error) {
			select {
			case <-ready:
				return engine()
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	})
	tb.say(manage(1, "ListClusters", `{}`))
	tb.say(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	wants(t, tb.get(), "ping")
	// An id in use is refused, whatever state its request is in.
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	wants(t, tb.hear(), `"id":1`, "-32600", "in use")
	// A cancel ends it here: the server never hears of either.
	tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	tb.say(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	wants(t, tb.get(), `"id":3`)
	close(ready)
	tb.records(2)
	tb.say(`{"jsonrpc":"2.0","id":4,"method":"ping"}`)
	wants(t, tb.get(), `"id":4`)
}

func TestAnotherScopeWaitsItsTurn(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "UpdateService", updateStaging))
	wants(t, tb.get(), `"id":1`)
	tb.say(manage(2, "ListClusters", `{}`))
	tb.say(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	wants(t, tb.get(), `"id":3`)
	time.Sleep(100 * time.Millisecond)
	tb.records(1) // the read has no grant yet
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	wants(t, tb.hear(), `"id":1`)
	wants(t, tb.get(), `"id":2`)
}

func TestEqualReadsShareOneGrant(t *testing.T) {
	tb := converse(t, "reader", nil)
	for id := range 3 {
		tb.say(manage(id, "DescribeServices", readStaging))
		tb.get()
	}
	records := tb.records(3)
	for _, r := range records[1:] {
		if r.Grant.AccessKeyID != records[0].Grant.AccessKeyID || !r.Grant.Reused {
			t.Errorf("grant %+v is not the first one's", r.Grant)
		}
	}
	if n := len(tb.aws.Sessions()); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestWithoutReuseEachReadHasAGrantOfItsOwn(t *testing.T) {
	tb := converse(t, "reader", func(g *Gate) { g.NoReuse = true })
	for id := range 2 {
		tb.say(manage(id, "DescribeServices", readStaging))
		tb.get()
		tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{}}`, id))
		tb.hear()
	}
	if n := len(tb.aws.Sessions()); n != 2 {
		t.Errorf("%d sessions", n)
	}
}

func TestALateAnswerIsAnOutcomeUnknown(t *testing.T) {
	hurried(t, func(timeout time.Duration) (tooSoon bool) {
		tb := converse(t, "reader", func(g *Gate) { g.Timeout = timeout })
		tb.say(manage(1, "ListClusters", `{}`))
		if tb.refused(1) {
			return true
		}
		tb.get()
		wants(t, tb.hear(), `"id":1`, `"isError":true`, "outcome is unknown", "audit show")
		wants(t, tb.get(), "notifications/cancelled", `"requestId":1`)
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"late":true}}`)
		wants(t, fmt.Sprint(classes(tb.records(2))), "outcome/timeout")
		tb.tell(`{"jsonrpc":"2.0","method":"notifications/message"}`)
		wants(t, tb.hear(), "notifications/message") // the late answer was dropped
		return false
	})
}

func TestAServerThatNeverAnswersIsKilled(t *testing.T) {
	hurried(t, func(timeout time.Duration) (tooSoon bool) {
		tb := converseOn(t, hasty, "reader", func(g *Gate) { g.Timeout = timeout })
		go io.Copy(io.Discard, tb.serverIn)
		tb.say(manage(1, "ListClusters", `{}`))
		if tb.refused(1) {
			return true
		}
		wants(t, tb.hear(), `"id":1`, "outcome is unknown")
		select {
		case <-tb.killed:
		case <-time.After(limit):
			t.Fatal("it lives on with a call that nobody watches")
		}
		<-tb.conversing
		wants(t, fmt.Sprint(classes(tb.records(2))), "outcome/upstream")
		return false
	})
}

func TestACancelledCallLosesItsLease(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"changed my mind"}}`
	tb.say(cancel)
	if got := tb.get(); got != cancel {
		t.Errorf("the server got %s", got)
	}
	if _, err := tb.draw(); err == nil {
		t.Error("credentials can be drawn after the cancel")
	}
	tb.tell(`{"jsonrpc":"2.0","id":1,"error":{"code":0,"message":"Request cancelled"}}`)
	wants(t, tb.hear(), "Request cancelled")
	tb.records(2)
}

func TestAServerThatEndsLeavesEveryCallAnswered(t *testing.T) {
	tb := converse(t, "deployer", nil)
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	tb.say(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	tb.get()
	tb.serverOut.Close()
	answers := tb.hear() + tb.hear()
	wants(t, answers, `"id":1,"result"`, "may have taken effect, and it was not repeated", `"id":2,"error"`)
	<-tb.conversing
	wants(t, fmt.Sprint(classes(tb.records(2))), "outcome/upstream")
}

func TestAnAnswerWithTwoReadingsIsNotPassedOn(t *testing.T) {
	tb := converse(t, "reader", nil)
	tb.say(manage(1, "ListClusters", `{}`))
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"a":1,"\u0061":2}}`)
	wants(t, tb.hear(), `"id":1`, "cannot be read", "outcome is unknown")
	tb.records(2)
}

type broken struct {
	how func() (authz.Decision, error)
}

func (b broken) Decide(context.Context, authz.Request) (authz.Decision, error) { return b.how() }
func (b broken) Visible(_ context.Context, _ string, actions []string) ([]string, error) {
	return actions, nil
}
func (b broken) Revision() string { return "broken" }

func TestAPolicyThatFailsRefuses(t *testing.T) {
	tests := []struct {
		name, class string
		how         func() (authz.Decision, error)
	}{
		{"an error", "policy", func() (authz.Decision, error) { return authz.Decision{}, errors.New("undefined") }},
		{"an error beside an allow", "policy", func() (authz.Decision, error) { return authz.Decision{Allow: true}, errors.New("conflict") }},
		{"a panic", "internal", func() (authz.Decision, error) { panic("evaluator") }},
		{"the zero decision", "policy", func() (authz.Decision, error) { return authz.Decision{}, nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tb := converse(t, "reader", func(g *Gate) {
				g.Policy = func(context.Context) (Decider, error) { return broken{tt.how}, nil }
			})
			tb.say(manage(1, "ListClusters", `{}`))
			wants(t, tb.hear(), `"isError":true`, "Decision ")
			if r := tb.records(1)[0]; r.Class != tt.class || r.Phase != audit.PhaseRefusal {
				t.Errorf("record %+v", r)
			}
			if len(tb.aws.Sessions()) != 0 {
				t.Error("a session was minted")
			}
		})
	}
}
