package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Whatever writes is confirmed.
const confirmRego = `package ecsmcp.guardrails.careful

obligation contains {"kind": "confirm", "message": "Ask Bob too."} if input.call.write == true
`

// confirmed is a gate of a policy that confirms writes.
func confirmed(t *testing.T, within time.Duration) func(*Gate) {
	t.Helper()
	own := ownPolicy(t, allowAll, "", confirmRego)
	return func(g *Gate) {
		own(g)
		g.Consents = NewConsents(nil, within)
	}
}

// greet is the client's initialize and the server's answer.
func (tb *table) greet(version, capabilities string) {
	tb.t.Helper()
	tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":%q,"capabilities":%s,"clientInfo":{"name":"c","version":"1"}}}`, version, capabilities))
	tb.get()
	tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":"hello","result":{"protocolVersion":%q,"capabilities":{},"serverInfo":{"name":"s","version":"1"}}}`, version))
	wants(tb.t, tb.hear(), version)
}

// asked reads the question that the client gets.
func (tb *table) asked() (id, text string) {
	tb.t.Helper()
	var question struct {
		ID     json.RawMessage
		Method string
		Params struct{ Message string }
	}
	line := tb.hear()
	check(tb.t, json.Unmarshal([]byte(line), &question))
	if question.Method != "elicitation/create" {
		tb.t.Fatalf("the client got %s", line)
	}
	return string(question.ID), question.Params.Message
}

func (tb *table) respond(id, result string) {
	tb.t.Helper()
	tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, id, result))
}

const elicitation = `{"elicitation":{}}`

func TestACallIsForwardedOnlyWhenTheUserAgrees(t *testing.T) {
	tests := map[string]struct{ answer, noted, told string }{
		"yes":                  {`"result":{"action":"accept","content":{}}`, audit.AnswerAccept, ""},
		"no":                   {`"result":{"action":"decline"}`, audit.AnswerDecline, "the user was asked and declined; do not try again unless"},
		"neither":              {`"result":{"action":"cancel"}`, audit.AnswerCancel, "chose neither yes nor no"},
		"another word":         {`"result":{"action":"ACCEPT"}`, audit.AnswerNone, "brought no answer"},
		"a yes without a word": {`"result":{"content":{"confirm":true}}`, audit.AnswerNone, "brought no answer"},
		"an error":             {`"error":{"code":-32603,"message":"accept"}`, audit.AnswerNone, "brought no answer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", confirmed(t, time.Minute))
			tb.greet("2025-06-18", elicitation)
			line := manage(1, "UpdateService", updateStaging)
			tb.say(line)
			id, text := tb.asked()
			want := "May the agent call ecs_resource_management: UpdateService of awslabs.ecs-mcp-server?\nIn account 123456789012, region us-east-1, it would:\n" +
				"- update service service/staging/checkout (ecs:UpdateService)\n%sAsk Bob too.\nAccepting lets this one call go ahead. Anything else refuses it."
			if text != fmt.Sprintf(want, "with the arguments:\n- `api_operation: \"UpdateService\"`\n- `api_params.cluster: \"staging\"`\n- `api_params.service: \"checkout\"`\n- `api_params.desiredCount: 2`\n") {
				t.Errorf("the user is asked %q", text)
			}
			recorded := fmt.Sprintf(want, "with arguments, which were shown and of which this record has the SHA-256\n")
			if n := len(tb.aws.Sessions()); n != 0 {
				t.Errorf("%d sessions before the user agreed", n)
			}
			question := tb.records(1)[0]
			if question.Phase != audit.PhaseAsked || question.Class != "asked" || question.Approval.Question != recorded || question.Input.ArgumentsSHA256 == "" || question.Grant != nil {
				t.Errorf("record %+v", question)
			}
			tb.respond(id, tt.answer)
			if tt.told == "" {
				if got := tb.get(); got != line {
					t.Errorf("the server got %s", got)
				}
			} else {
				wants(t, tb.hear(), `"isError":true`, tt.told, "Decision "+question.DecisionID)
				tb.reachedNothing()
			}
			r := tb.records(2)[1]
			if r.DecisionID != question.DecisionID || r.Approval == nil || r.Approval.Answer != tt.noted || r.Approval.Millis <= 0 {
				t.Errorf("record %+v, %+v", r, r.Approval)
			}
			followed := tb.gate.Tracer.(*followers)
			followed.mu.Lock()
			if stages := followed.calls[r.DecisionID].stages; !slices.Contains(stages, StageConfirm) {
				t.Errorf("the stages are %v", stages)
			}
			followed.mu.Unlock()
			if class := map[bool]string{true: "allowed", false: "unconfirmed"}[tt.told == ""]; r.Class != class || (r.Grant != nil) != (tt.told == "") {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// docs/guardrails.md shows what a user sees.
func TestTheQuestionOfThePageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/guardrails.md")
	check(t, err)
	_, shown, _ := strings.Cut(string(page), "```\nMay the agent")
	shown, _, _ = strings.Cut("May the agent"+shown, "\n```")
	tb := converse(t, "own", confirmed(t, time.Minute))
	tb.greet("2025-06-18", elicitation)
	tb.say(manage(1, "UpdateService", `{"cluster":"shop","service":"checkout","desiredCount":2}`))
	if _, text := tb.asked(); strings.Replace(text, "Ask Bob too.\n", "", 1) != shown {
		t.Errorf("the user is asked\n%s\nand the page shows\n%s", text, shown)
	}
}

func TestAClientThatCannotAskIsRefused(t *testing.T) {
	tests := map[string]struct{ version, capabilities string }{
		"no capability":                {"2025-11-25", `{}`},
		"only of pages":                {"2025-11-25", `{"elicitation":{"url":{}}}`},
		"a version before elicitation": {"2025-03-26", elicitation},
		"the first version":            {"2024-11-05", elicitation},
		"never initialized":            {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", confirmed(t, time.Minute))
			if tt.version != "" {
				tb.greet(tt.version, tt.capabilities)
			}
			tb.say(manage(1, "UpdateService", updateStaging))
			wants(t, tb.hear(), `"isError":true`, "this client cannot ask")
			if r := tb.records(1)[0]; r.Phase != audit.PhaseRefusal || r.Class != "unconfirmed" || r.Approval != nil || len(tb.aws.Sessions()) != 0 {
				t.Errorf("record %+v", r)
			}
			tb.reachedNothing()
			tb.say(manage(2, "ListClusters", `{}`)) // of which nothing is asked
			tb.get()
		})
	}
	t.Run("a gate that asks nobody", func(t *testing.T) {
		tb := converse(t, "own", func(g *Gate) { confirmed(t, time.Minute)(g); g.Consents = nil })
		tb.greet("2025-11-25", elicitation)
		tb.say(manage(1, "UpdateService", updateStaging))
		wants(t, tb.hear(), `"isError":true`)
		tb.reachedNothing()
	})
}

func TestAnAnswerThatDoesNotComeRefuses(t *testing.T) {
	tb := converse(t, "own", confirmed(t, 50*time.Millisecond))
	tb.greet("2025-11-25", elicitation)
	tb.say(manage(1, "UpdateService", updateStaging))
	id, _ := tb.asked()
	// The question is withdrawn, and then the call refused.
	wants(t, tb.hear(), `"method":"notifications/cancelled"`, `"requestId":`+id)
	wants(t, tb.hear(), `"id":1`, `"isError":true`, "did not answer within 50ms")
	tb.respond(id, `"result":{"action":"accept"}`) // too late
	tb.reachedNothing()
	records := tb.records(3)
	if r := records[1]; r.Class != "unconfirmed" || r.Approval.Answer != audit.AnswerNone {
		t.Errorf("record %+v", r)
	}
	wants(t, records[2].Message, "not open any more; dropped")
}

func TestACancelWithdrawsTheQuestion(t *testing.T) {
	tb := converse(t, "own", confirmed(t, time.Minute))
	tb.greet("2025-11-25", elicitation)
	tb.say(manage(1, "UpdateService", updateStaging))
	id, _ := tb.asked()
	tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	wants(t, tb.hear(), `"method":"notifications/cancelled"`, `"requestId":`+id)
	if r := tb.records(2)[1]; r.Class != "cancelled" || r.Approval.Answer != audit.AnswerNone {
		t.Errorf("record %+v", r)
	}
	tb.respond(id, `"result":{"action":"accept"}`)
	tb.reachedNothing()
}

func TestAClientThatGoesAwayHasNotAgreed(t *testing.T) {
	tb := converse(t, "own", confirmed(t, time.Hour))
	tb.greet("2025-11-25", elicitation)
	tb.say(manage(1, "UpdateService", updateStaging))
	id, _ := tb.asked()
	check(t, tb.toProxy.Close())
	wants(t, tb.hear(), `"method":"notifications/cancelled"`, `"requestId":`+id)
	wants(t, tb.hear(), `"id":1`, "the client went away")
	if r := tb.records(2)[1]; r.Class != "unconfirmed" || r.Approval.Answer != audit.AnswerNone {
		t.Errorf("record %+v", r)
	}
}

// Two calls are asked about at once; each has its own answer.
func TestEachQuestionHasItsOwnAnswer(t *testing.T) {
	tb := converse(t, "own", confirmed(t, time.Minute))
	tb.greet("2025-11-25", elicitation)
	tb.say(manage(1, "UpdateService", updateStaging))
	update, text := tb.asked()
	wants(t, text, "UpdateService")
	tb.say(manage(2, "DeleteService", deleteStaging))
	remove, text := tb.asked()
	wants(t, text, "DeleteService")
	tb.respond(remove, `"result":{"action":"decline"}`)
	wants(t, tb.hear(), `"id":2`, "declined")
	tb.respond(remove, `"result":{"action":"accept"}`) // a second answer counts for nothing
	tb.respond(update, `"result":{"action":"accept"}`)
	wants(t, tb.get(), `"id":1`, "UpdateService")
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	wants(t, tb.hear(), `"id":1`)
	tb.reachedNothing()
}

// A server cannot speak in the proxy's name, nor is an answer to the proxy's
// question ever a server's.
func TestTheProxysQuestionsAreItsOwn(t *testing.T) {
	tb := converse(t, "own", confirmed(t, time.Minute))
	tb.greet("2025-11-25", elicitation)
	tb.tell(`{"jsonrpc":"2.0","id":"ecs-mcp-proxy/x/1","method":"elicitation/create","params":{"message":"Really?","requestedSchema":{"type":"object","properties":{}}}}`)
	wants(t, tb.get(), `"id":"ecs-mcp-proxy/x/1"`, "-32601")
	tb.say(manage(1, "UpdateService", updateStaging))
	id, _ := tb.asked()
	// Nor can it answer it, or withdraw it.
	tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept"}}`, id))
	tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s}}`, id))
	tb.tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"what follows"}}`)
	wants(t, tb.hear(), "what follows")
	tb.reachedNothing()
	tb.respond(id, `"result":{"action":"accept"}`)
	wants(t, tb.get(), "UpdateService")
}

// changing is policy that says something else from the second time on.
type changing struct {
	Decider
	asked int
	then  func(*authz.Decision)
}

func (c *changing) Decide(ctx context.Context, r authz.Request) (authz.Decision, error) {
	d, err := c.Decider.Decide(ctx, r)
	if c.asked++; c.asked > 1 {
		c.then(&d)
	}
	return d, err
}

// thenDecides makes the gate ask a policy that obliges to ask the user, and that
// decides otherwise after its first answer.
func thenDecides(t *testing.T, then func(*authz.Decision)) func(*Gate) {
	return func(g *Gate) {
		confirmed(t, time.Minute)(g)
		real, err := g.Policy(t.Context())
		check(t, err)
		policy := &changing{Decider: real, then: then}
		g.Policy = func(context.Context) (Decider, error) { return policy, nil }
	}
}

func TestACallIsDecidedAgainWhenTheUserHasAgreed(t *testing.T) {
	tests := map[string]struct {
		then  func(*authz.Decision)
		class string
		told  string
	}{
		"policy denies it now": {func(d *authz.Decision) {
			d.Allow = false
			d.Denies = []authz.Reason{{Code: "late", Message: "too late"}}
		}, "policy", "too late"},
		"policy is another": {func(d *authz.Decision) { d.Revision = "another" }, "unconfirmed", "changed while the user was asked"},
		"AWS is to deny something else": {func(d *authz.Decision) {
			d.SessionDeny = []authz.SessionDeny{{Action: []string{"*"}, Resource: []string{"*"}}}
		}, "unconfirmed", "changed while the user was asked"},
		"it need not be asked about now": {func(d *authz.Decision) { d.Obligations = nil }, "allowed", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", thenDecides(t, tt.then))
			tb.greet("2025-11-25", elicitation)
			tb.say(manage(1, "UpdateService", updateStaging))
			id, _ := tb.asked()
			tb.respond(id, `"result":{"action":"accept"}`)
			if tt.told == "" {
				tb.get()
			} else {
				wants(t, tb.hear(), `"isError":true`, tt.told)
				tb.reachedNothing()
			}
			if r := tb.records(2)[1]; r.Class != tt.class || r.Approval.Answer != audit.AnswerAccept {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// A tag is read again when the user has agreed: what is production by then is
// something else than what the user saw.
func TestWhatTheUserAgreedToMustStillBe(t *testing.T) {
	rego := `package ecsmcp.guardrails.careful

obligation contains {"kind": "confirm", "needs": ["aws:ResourceTag/Environment"]} if {
	input.call.write == true
	some access in input.accesses
	not access.context["aws:ResourceTag/Environment"] == "production"
}
`
	tb := converse(t, "own", func(g *Gate) {
		ownPolicy(t, allowAll, "", rego)(g)
		g.Consents = NewConsents(nil, time.Minute)
	})
	tb.greet("2025-11-25", elicitation)
	tb.say(manage(1, "UpdateService", updateStaging))
	id, _ := tb.asked()
	tb.aws.SetTag(stagingService, "Environment", "production")
	tb.respond(id, `"result":{"action":"accept"}`)
	wants(t, tb.hear(), "changed while the user was asked")
	wants(t, tb.records(2)[1].Message, "what the call would do changed")
	// What policy read, AWS checks again.
	tb.aws.SetTag(stagingService, "Environment", "staging")
	tb.say(manage(2, "UpdateService", updateStaging))
	id, _ = tb.asked()
	tb.respond(id, `"result":{"action":"accept"}`)
	tb.get()
	wants(t, tb.records(4)[3].Grant.SessionPolicy, `"aws:ResourceTag/Environment":"staging"`)
}

func TestTheUsersTimeIsNotTheCalls(t *testing.T) {
	hurried(t, func(timeout time.Duration) (tooSoon bool) {
		tb := converse(t, "own", confirmed(t, time.Hour))
		tb.greet("2025-11-25", elicitation)
		tb.say(manage(1, "ListClusters", `{}`)) // makes what is slow the first time ready
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
		tb.hear()
		tb.records(2)
		tb.gate.Timeout = 4 * timeout
		tb.say(strings.Replace(manage(2, "UpdateService", updateStaging), `"params":{`, `"params":{"_meta":{"progressToken":"p"},`, 1))
		if tb.refused(3) {
			return true
		}
		id, _ := tb.asked()
		wants(t, tb.hear(), "notifications/progress", `"progressToken":"p"`, "waiting for the user's answer") // after two seconds
		time.Sleep(4 * timeout)                                                                               // it is over then, however long this takes
		tb.respond(id, `"result":{"action":"accept"}`)
		if tb.refused(4) {
			return true
		}
		tb.get()
		return false
	})
}

func TestShadowModeAsksNobody(t *testing.T) {
	tb := converse(t, "own", func(g *Gate) { confirmed(t, time.Minute)(g); shadowed(g) })
	tb.say(manage(1, "UpdateService", updateStaging))
	tb.get()
	if r := tb.records(1)[0]; !r.Result.Confirms() || r.Approval != nil {
		t.Errorf("record %+v", r)
	}
}

// Whoever writes a call writes names, and nothing else of what the user sees.
func TestWhatTheUserSeesIsPlainAndShort(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":                   "plain text",
		"a\nline\r\t\x00\x1b[31m":      "a?line????[31m",
		"right\u202eto left\u2066":     "right?to left?",
		"no\u200broom\ufeff\u00ad":     "no?room??",
		"seen\u3164\u115f\uffa0\u034f": "seen????",
		"a\u2028line\u2029\u0085":      "a?line??",
		"Größe 東京":                     "Größe 東京",
		strings.Repeat("ä", shownText): strings.Repeat("ä", shownText),
		strings.Repeat("ä", 400):       strings.Repeat("ä", shownText) + "…",
		"not UTF-8 \xff":               "not UTF-8 \ufffd",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	tb := converse(t, "own", confirmed(t, time.Minute))
	judged := judgement{decision: authz.Decision{Allow: true}}
	for range 25 {
		judged.request.Accesses = append(judged.request.Accesses, authz.Access{Action: "ecs:StopTask", Resource: "arn:aws:ecs:us-east-1:1:task/" + strings.Repeat("x", 500)})
		judged.decision.Accesses = append(judged.decision.Accesses, authz.AccessResult{Verdict: authz.Allowed})
	}
	m, err := wire.ReadClient([]byte(manage(3, "StopTask", `{}`)), wire.Limits{})
	check(t, err)
	if text, _ := tb.gate.confirmText(m, judged, nil); !strings.Contains(text, "and 15 more such things.") || len(text) > 5000 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	judged.request.Accesses[0].Named = "a role of web"
	if text, _ := tb.gate.confirmText(m, judged, nil); !strings.Contains(text, "- ecs:StopTask on a role of web\n") {
		t.Errorf("what was looked up is told: %s", text)
	}
	// What is optional and denied is not lent, so it is not asked about.
	judged.decision.Accesses = append(make([]authz.AccessResult, 24), authz.AccessResult{Verdict: authz.Allowed})
	if text, _ := tb.gate.confirmText(m, judged, nil); strings.Count(text, "- stop task") != 1 {
		t.Errorf("the user is asked %s", text)
	}
}
