package mcp

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// callsOf are a caller's calls.
func callsOf(c *Consents, caller string) func(call any) callOf {
	return func(call any) callOf { return callOf{c.digest(caller), c.digest(call)} }
}

func TestAUserWhoDeclinedIsNotAskedTheSameAtOnce(t *testing.T) {
	for _, no := range []string{audit.AnswerDecline, audit.AnswerCancel} {
		synctest.Test(t, func(t *testing.T) {
			c := NewConsents(nil, time.Minute)
			alice, bob := callsOf(c, "alice"), callsOf(c, "bob")
			if why := c.ask(alice("delete")); why != "" {
				t.Fatal(why)
			}
			c.answered(alice("delete"), &audit.Approval{Answer: no})
			time.Sleep(declinedFor - time.Second)
			wants(t, c.ask(alice("delete")), "asked about this very call less than 30s ago")
			if c.ask(alice("update")) != "" || c.ask(bob("delete")) != "" {
				t.Error("another call, or another caller's, is not asked about")
			}
			time.Sleep(time.Second)
			if why := c.ask(alice("delete")); why != "" {
				t.Errorf("later: %s", why)
			}
		})
	}
}

func TestAUserIsAskedSoOftenWithoutAgreeing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewConsents(nil, time.Minute)
		alice, bob := callsOf(c, "alice"), callsOf(c, "bob")
		for i := range 5 * maxUnagreed { // whoever agrees is asked as often as there is to do
			if why := c.ask(alice(i)); why != "" {
				t.Fatal(why)
			}
			c.answered(alice(i), &audit.Approval{Answer: audit.AnswerAccept})
		}
		for i := range maxUnagreed { // not answered, whatever becomes of it
			if why := c.ask(alice(-i)); why != "" {
				t.Fatal(why)
			}
		}
		wants(t, c.ask(alice("one more")), "asked 10 times within 1m0s without agreeing")
		if why := c.ask(bob(1)); why != "" {
			t.Errorf("another caller: %s", why)
		}
		time.Sleep(unagreedWithin)
		if why := c.ask(alice("one more")); why != "" {
			t.Errorf("later: %s", why)
		}
	})
}

// An agent that asks ten times at the same time hopes for one yes.
func TestAYesDoesNotCountBesideANo(t *testing.T) {
	tb := converse(t, "own", confirmed(t, time.Minute))
	var states []string
	for id := range 2 {
		tb.say(modern(id, "UpdateService", updateStaging, ""))
		_, state := tb.consult()
		states = append(states, state)
	}
	tb.say(modern(2, "UpdateService", updateStaging, again(`{"action":"decline"}`, states[0])))
	wants(t, tb.hear(), "declined")
	tb.say(modern(3, "UpdateService", updateStaging, again(`{"action":"accept"}`, states[1])))
	wants(t, tb.hear(), `"id":3`, `"isError":true`, "asked about this very call")
	tb.reachedNothing()
}

func TestAnAgentDoesNotWearTheUserOut(t *testing.T) {
	t.Run("in a session", func(t *testing.T) {
		tb := converse(t, "own", confirmed(t, time.Minute))
		tb.greet("2025-11-25", elicitation)
		tb.say(manage(1, "UpdateService", updateStaging))
		id, _ := tb.asked()
		tb.respond(id, `"result":{"action":"decline"}`)
		wants(t, tb.hear(), "declined")
		tb.say(manage(2, "UpdateService", updateStaging))
		wants(t, tb.hear(), `"id":2`, `"isError":true`, "asked about this very call")
		for i, spelling := range []string{
			`{"desiredCount":2,"service":"checkout", "cluster":"staging"}`, `{"cluster":"staging","service":"\u0063heckout","desiredCount":2}`,
		} {
			tb.say(manage(10+i, "UpdateService", spelling))
			wants(t, tb.hear(), fmt.Sprintf(`"id":%d`, 10+i), "asked about this very call")
		}
		tb.reachedNothing()
		if r := tb.records(5)[2]; r.Class != "unconfirmed" || r.Approval != nil {
			t.Errorf("record %+v", r)
		}
	})
	t.Run("without one", func(t *testing.T) {
		tb := converse(t, "own", confirmed(t, time.Minute))
		tb.say(modern(1, "UpdateService", updateStaging, ""))
		_, state := tb.consult()
		tb.say(modern(2, "UpdateService", updateStaging, again(`{"action":"decline"}`, state)))
		wants(t, tb.hear(), "declined")
		tb.say(modern(3, "UpdateService", updateStaging, ""))
		wants(t, tb.hear(), `"id":3`, `"isError":true`, "asked about this very call")
		for i := range maxUnagreed - 1 {
			tb.say(modern(10+i, "UpdateService", fmt.Sprintf(`{"cluster":"staging","service":"checkout","desiredCount":%d}`, 3+i), ""))
			tb.consult()
		}
		tb.say(modern(30, "UpdateService", `{"cluster":"staging","service":"checkout","desiredCount":50}`, ""))
		wants(t, tb.hear(), `"id":30`, `"isError":true`, "without agreeing")
		tb.reachedNothing()
	})
}
