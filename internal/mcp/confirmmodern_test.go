package mcp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// modern is a call of MCP 2026-07-28 by a client that can ask, with more members
// of params.
func modern(id any, operation, params, more string) string {
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}},`
	return strings.Replace(manage(id, operation, params), `"params":{`, `"params":{`+meta+more, 1)
}

// again is what a client adds to a request that it makes again.
func again(answer, state string) string {
	return fmt.Sprintf(`"inputResponses":{%q:%s},"requestState":%q,`, confirmKey, answer, state)
}

const yes = `{"action":"accept","content":{}}`

// consult reads the question that the client gets as an answer.
func (tb *table) consult() (text, state string) {
	tb.t.Helper()
	var answer struct {
		Result struct {
			ResultType    string
			InputRequests map[string]struct {
				Method string
				Params struct{ Mode, Message string }
			}
			RequestState string
		}
	}
	line := tb.hear()
	check(tb.t, json.Unmarshal([]byte(line), &answer))
	question := answer.Result.InputRequests[confirmKey]
	if answer.Result.ResultType != "input_required" || question.Method != "elicitation/create" || question.Params.Mode != "form" || len(answer.Result.InputRequests) != 1 {
		tb.t.Fatalf("the client got %s", line)
	}
	return question.Params.Message, answer.Result.RequestState
}

func TestWithoutASessionTheCallIsMadeAgain(t *testing.T) {
	tests := map[string]struct{ more, noted, told string }{
		"yes":                  {again(yes, "STATE"), audit.AnswerAccept, ""},
		"no":                   {again(`{"action":"decline"}`, "STATE"), audit.AnswerDecline, "declined"},
		"neither":              {again(`{"action":"cancel"}`, "STATE"), audit.AnswerCancel, "chose neither yes nor no"},
		"no word":              {again(`{}`, "STATE"), audit.AnswerNone, "brought no answer"},
		"no object":            {again(`"accept"`, "STATE"), audit.AnswerNone, "brought no answer"},
		"no answer":            {`"requestState":"STATE",`, audit.AnswerNone, "brought no answer"},
		"an answer to another": {`"inputResponses":{"other":` + yes + `},"requestState":"STATE",`, audit.AnswerNone, "brought no answer"},
		"answers that are none": {`"inputResponses":[` + yes + `],"requestState":"STATE",`, audit.AnswerNone,
			"brought no answer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", confirmed(t, time.Minute))
			tb.say(modern(1, "UpdateService", updateStaging, ""))
			text, state := tb.consult()
			wants(t, text, "May the agent call ecs_resource_management: UpdateService", "Ask Bob too.")
			question := tb.records(1)[0]
			if question.Phase != audit.PhaseAsked || !strings.Contains(text, "`api_params.desiredCount: 2`") || strings.Contains(question.Approval.Question, "desiredCount") || len(tb.aws.Sessions()) != 0 {
				t.Errorf("record %+v", question)
			}
			tb.say(modern(2, "UpdateService", updateStaging, strings.Replace(tt.more, "STATE", state, 1)))
			if tt.told == "" {
				// The server gets the call as if nobody had been asked.
				if got, want := tb.get(), modern(2, "UpdateService", updateStaging, ""); got != want {
					t.Errorf("the server got %s", got)
				}
			} else {
				wants(t, tb.hear(), `"isError":true`, `"resultType":"complete"`, tt.told, question.DecisionID)
				tb.reachedNothing()
			}
			r := tb.records(2)[1]
			if r.DecisionID != question.DecisionID || r.Approval == nil || r.Approval.Answer != tt.noted {
				t.Errorf("record %+v, %+v", r, r.Approval)
			}
			// Whatever was answered, it was the one answer.
			tb.say(modern(3, "UpdateService", updateStaging, again(yes, state)))
			wants(t, tb.hear(), `"id":3`, "does not count for this call")
			wants(t, tb.records(3)[2].Message, "used before")
		})
	}
}

func TestAConsentIsForOneCallOfOneCallerOnly(t *testing.T) {
	consents := NewConsents(nil, time.Minute)
	sharing := func(change func(*Gate)) func(*Gate) {
		return func(g *Gate) {
			confirmed(t, time.Minute)(g)
			g.Consents = consents
			if change != nil {
				change(g)
			}
		}
	}
	tests := map[string]struct {
		change func(*Gate)
		retry  func(state string) string
		why    string
	}{
		"another principal": {func(g *Gate) { g.Caller.Principal.ID = "mallory" }, nil, "the caller is not as it was"},
		"another kind":      {func(g *Gate) { g.Caller.Principal.Kind = "token" }, nil, "the caller is not as it was"},
		"other tags": {func(g *Gate) { g.Caller.Principal.Tags = map[string]string{"team": "web"} }, nil,
			"the caller is not as it was"},
		"another role": {func(g *Gate) { g.Caller.Role += "2" }, nil, "the caller is not as it was"},
		"other arguments": {nil, func(state string) string {
			return modern(2, "UpdateService", `{"cluster":"staging","service":"checkout","desiredCount":3}`, again(yes, state))
		}, "the tool or its arguments is not as it was"},
		"the same arguments in other words": {nil, func(state string) string {
			return modern(2, "UpdateService", `{"cluster":"staging","service":"checkout","desiredCount": 2}`, again(yes, state))
		}, "the tool or its arguments is not as it was"},
		"as a task": {nil, func(state string) string {
			return modern(2, "UpdateService", updateStaging, `"task":{},`+again(yes, state))
		}, "the tool or its arguments is not as it was"},
		"another tool": {nil, func(state string) string {
			return strings.Replace(modern(2, "UpdateService", updateStaging, again(yes, state)), `"name":"ecs_resource_management"`, `"name":"containerize_app"`, 1)
		}, "the tool or its arguments is not as it was"},
		"another method": {nil, func(state string) string {
			return strings.Replace(modern(2, "UpdateService", updateStaging, again(yes, state)), `"method":"tools/call"`, `"method":"prompts/get"`, 1)
		}, "the tool or its arguments is not as it was"},
		"a state that was altered": {nil, func(state string) string {
			return modern(2, "UpdateService", updateStaging, again(yes, state[:len(state)-1]+"!"))
		}, "not one that this proxy gave out"},
		"a state of another process": {func(g *Gate) { g.Consents = NewConsents(nil, time.Minute) }, nil, "not one that this proxy gave out"},
		"a gate that asks nobody":    {func(g *Gate) { g.Consents = nil }, nil, "not one that this proxy gave out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			asked := converse(t, "own", sharing(nil))
			asked.say(modern(1, "UpdateService", updateStaging, ""))
			_, state := asked.consult()
			retry := modern(2, "UpdateService", updateStaging, again(yes, state))
			if tt.retry != nil {
				retry = tt.retry(state)
			}
			other := converse(t, "own", sharing(func(g *Gate) {
				g.Caller.Role = asked.gate.Caller.Role
				if tt.change != nil {
					tt.change(g)
				}
			}))
			other.say(retry)
			wants(t, other.hear(), `"id":2`, "does not count for this call")
			other.reachedNothing()
			if r := other.records(1)[0]; r.Class != "unconfirmed" || r.Approval != nil || !strings.Contains(r.Message, tt.why) || r.DecisionID == asked.records(1)[0].DecisionID {
				t.Errorf("record %+v", r)
			}
			// Whose it is, it still serves.
			asked.say(modern(3, "UpdateService", updateStaging, again(yes, state)))
			wants(t, asked.get(), "UpdateService")
		})
	}
}

func TestAConsentThatExpiredIsRefused(t *testing.T) {
	tb := converse(t, "own", confirmed(t, 50*time.Millisecond))
	tb.say(modern(1, "UpdateService", updateStaging, ""))
	_, state := tb.consult()
	time.Sleep(50 * time.Millisecond) // it is over then, however long this takes
	tb.say(modern(2, "UpdateService", updateStaging, again(yes, state)))
	wants(t, tb.hear(), "does not count for this call")
	tb.reachedNothing()
	wants(t, tb.records(2)[1].Message, "expired")
}

func TestACallMadeAgainIsDecidedAgain(t *testing.T) {
	tests := map[string]struct {
		then  func(*authz.Decision)
		class string
	}{
		"policy denies it now":         {func(d *authz.Decision) { d.Allow = false }, "policy"},
		"policy is another":            {func(d *authz.Decision) { d.Revision = "another" }, "unconfirmed"},
		"another one that asks nobody": {func(d *authz.Decision) { d.Revision, d.Obligations = "another", nil }, "unconfirmed"},
		"AWS is to deny something else": {func(d *authz.Decision) {
			d.SessionDeny = []authz.SessionDeny{{Action: []string{"*"}, Resource: []string{"*"}}}
		}, "unconfirmed"},
		"it is as it was, and asks more": {func(d *authz.Decision) { d.Obligations = slices.Concat(d.Obligations, d.Obligations) }, "allowed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", thenDecides(t, tt.then))
			tb.say(modern(1, "UpdateService", updateStaging, ""))
			_, state := tb.consult()
			tb.say(modern(2, "UpdateService", updateStaging, again(yes, state)))
			if tt.class == "allowed" {
				tb.get()
			} else {
				wants(t, tb.hear(), `"isError":true`)
				tb.reachedNothing()
			}
			if r := tb.records(2)[1]; r.Class != tt.class || r.Approval.Answer != audit.AnswerAccept {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// What a server keeps with the client in rounds of its own comes back to it.
func TestAServersOwnRoundsGoOn(t *testing.T) {
	own := `"inputResponses":{"region":{"action":"accept","content":{"x":9007199254740993}}},"requestState":"the server\u0027s",`
	t.Run("of what is not confirmed, as it is", func(t *testing.T) {
		tb := converse(t, "own", confirmed(t, time.Minute))
		line := modern(1, "DescribeServices", readStaging, own)
		tb.say(line)
		if got := tb.get(); got != line {
			t.Errorf("the server got %s", got)
		}
	})
	t.Run("of what is confirmed, when the user has agreed", func(t *testing.T) {
		tb := converse(t, "own", confirmed(t, time.Minute))
		tb.say(modern(1, "UpdateService", updateStaging, own))
		_, state := tb.consult() // a state of the server's is no consent
		tb.say(modern(2, "UpdateService", updateStaging, again(yes, state)))
		got := tb.get()
		wants(t, got, strings.TrimSuffix(own, ","))
		if strings.Contains(got, "consent") || strings.Contains(got, confirmKey) {
			t.Errorf("the server got %s", got)
		}
		// The server's question goes to the client as it is.
		answer := `{"jsonrpc":"2.0","id":2,"result":{"resultType":"input_required","inputRequests":{},"requestState":"more"}}`
		tb.tell(answer)
		if got := tb.hear(); got != answer {
			t.Errorf("the client got %s", got)
		}
	})
	t.Run("unless it is too much to hold", func(t *testing.T) {
		tb := converse(t, "own", confirmed(t, time.Minute))
		tb.say(modern(1, "UpdateService", updateStaging, `"requestState":"`+strings.Repeat("x", maxInput)+`",`))
		wants(t, tb.hear(), `"isError":true`, "too long to wait for that")
		tb.reachedNothing()
	})
}

func TestWithoutASessionAClientThatCannotAskIsRefused(t *testing.T) {
	for name, line := range map[string]string{
		"no capability":     strings.Replace(modern(1, "UpdateService", updateStaging, ""), `{"elicitation":{}}`, `{}`, 1),
		"none said":         strings.Replace(modern(1, "UpdateService", updateStaging, ""), `,"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}`, ``, 1),
		"only of pages":     strings.Replace(modern(1, "UpdateService", updateStaging, ""), `{"elicitation":{}}`, `{"elicitation":{"url":{}}}`, 1),
		"what has no round": `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///a","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", func(g *Gate) {
				ownPolicy(t, allowAll, "", "package ecsmcp.guardrails.careful\n\nobligation contains {\"kind\": \"confirm\"} if input.account != \"\"")(g)
				g.Consents = NewConsents(nil, time.Minute)
			})
			// What a session said of itself is not said here.
			tb.greet("2025-11-25", elicitation)
			tb.say(line)
			wants(t, tb.hear(), `"id":1`, "cannot ask")
			tb.reachedNothing()
			if r := tb.records(1)[0]; r.Class != "unconfirmed" || r.Approval != nil {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// Of many requests that bring one consent at the same time, one goes ahead.
func TestAConsentIsTakenOnceAtTheSameTimeToo(t *testing.T) {
	const n = 16
	tb := converse(t, "own", confirmed(t, time.Minute))
	tb.say(modern("\"first\"", "UpdateService", updateStaging, ""))
	_, state := tb.consult()
	for id := range n {
		tb.say(modern(id, "UpdateService", updateStaging, again(yes, state)))
	}
	tb.get()
	for range n - 1 {
		wants(t, tb.hear(), "does not count for this call")
	}
	tb.reachedNothing()
	if n := len(tb.aws.Sessions()); n != 1 {
		t.Errorf("%d sessions", n)
	}
}
