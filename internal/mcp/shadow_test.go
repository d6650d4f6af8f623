package mcp

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

func TestShadowModeSaysEveryMinuteThatItIsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		s := new(Shadow)
		ctx, cancel := context.WithCancel(t.Context())
		go s.Announce(ctx, func(text string) { said = append(said, text) })
		synctest.Wait()
		if len(said) != 1 || !strings.Contains(said[0], "policy refuses nothing") {
			t.Fatalf("at the start: %q", said)
		}
		s.letThrough.Add(2)
		time.Sleep(time.Minute)
		synctest.Wait()
		s.letThrough.Add(1)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(said) != 4 {
			t.Fatalf("%d warnings in three minutes: %q", len(said), said)
		}
		for i, want := range []string{"2 calls were let through", "3 calls were let through that mode enforce would have refused, 1 of them in the last minute", "0 of them in the last minute"} {
			if !strings.Contains(said[i+1], want) {
				t.Errorf("%q does not say %q", said[i+1], want)
			}
		}
		cancel()
		synctest.Wait()
	})
}

func shadowed(g *Gate) { g.Shadow = new(Shadow) }

func TestShadowModeLetsThroughWhatPolicyDenies(t *testing.T) {
	tb := converse(t, "deployer", shadowed)
	tb.say(manage(1, "DeleteService", deleteProd))
	wants(t, tb.get(), "DeleteService")
	r := tb.records(1)[0]
	if r.Phase != audit.PhaseDecision || r.Class != "shadow" || r.Mode != "shadow" || !r.EnforceWouldDeny || r.Result == nil || r.Result.Allow {
		t.Errorf("record %+v", r)
	}
	wants(t, r.Message, "ProductionProtection")
	// Exactly the call's access, and nothing of policy's.
	want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:DeleteService","Resource":"arn:aws:ecs:us-east-1:123456789012:service/production/checkout","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}},{"Effect":"Deny",`
	if !strings.HasPrefix(r.Grant.SessionPolicy, want) || strings.Count(r.Grant.SessionPolicy, "Effect") != 2 {
		t.Errorf("session policy %s", r.Grant.SessionPolicy)
	}
	if n := tb.gate.Shadow.LetThrough(); n != 1 {
		t.Errorf("%d calls let through", n)
	}
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	tb.hear()
	tb.say(manage(2, "DescribeServices", readStaging)) // allowed anyway
	tb.get()
	if r := tb.records(3)[2]; r.Class != "allowed" || r.EnforceWouldDeny || r.Mode != "shadow" {
		t.Errorf("record %+v", r)
	}
	if n := tb.gate.Shadow.LetThrough(); n != 1 {
		t.Errorf("%d calls let through", n)
	}
}

func TestShadowModeRelaxesNothingElse(t *testing.T) {
	for name, line := range map[string]string{
		"garbage":                `{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}`,
		"an unknown method":      `{"jsonrpc":"2.0","id":1,"method":"not/a/method"}`,
		"an unknown tool":        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no_such_tool","arguments":{}}}`,
		"an unknown operation":   manage(1, "DeleteEverything", `{}`),
		"an unknown argument":    manage(1, "DeleteService", `{"cluster":"staging","service":"checkout","everywhere":true}`),
		"another account":        manage(1, "DeleteService", `{"cluster":"staging","service":"arn:aws:ecs:us-east-1:999999999999:service/staging/checkout"}`),
		"another region":         manage(1, "DeleteService", `{"cluster":"arn:aws:ecs:eu-west-1:123456789012:cluster/staging","service":"checkout"}`),
		"a task-augmented call":  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"containerize_app","task":{},"arguments":{}}}`,
		"too many resources":     manage(1, "DescribeTasks", `{"tasks":["`+strings.Repeat(`x","`, 101)+`y"]}`),
		"a service of no number": manage(1, "UpdateService", `{"cluster":"staging","service":"checkout","desiredCount":"2"}`),
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "deployer", shadowed)
			tb.say(line)
			tb.hear()
			tb.reachedNothing()
			if r := tb.records(1)[0]; r.Phase != audit.PhaseRefusal || len(tb.aws.Sessions()) != 0 {
				t.Errorf("record %+v, %d sessions", r, len(tb.aws.Sessions()))
			}
		})
	}
}

func TestShadowModeStillRefusesWhatPolicyCannotJudge(t *testing.T) {
	for name, d := range map[string]authz.Decision{
		"no persona":              {Accesses: make([]authz.AccessResult, 1), Denies: []authz.Reason{{Code: "no_persona"}}},
		"no answers":              {},
		"an unknown obligation":   {Accesses: make([]authz.AccessResult, 1), Obligations: []authz.Obligation{{Kind: "encrypt"}}},
		"an unknown one, allowed": {Allow: true, Accesses: []authz.AccessResult{{Verdict: authz.Allowed}}, Obligations: []authz.Obligation{{Kind: "encrypt"}}},
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "deployer", func(g *Gate) {
				shadowed(g)
				g.Policy = func(context.Context) (Decider, error) {
					return broken{func() (authz.Decision, error) { return d, nil }}, nil
				}
			})
			tb.say(manage(1, "ListClusters", `{}`))
			wants(t, tb.hear(), `"isError":true`)
			if tb.records(1)[0].Phase != audit.PhaseRefusal || tb.gate.Shadow.LetThrough() != 0 {
				t.Error("let through")
			}
		})
	}
	t.Run("an error", func(t *testing.T) {
		tb := converse(t, "deployer", func(g *Gate) {
			shadowed(g)
			g.Policy = func(context.Context) (Decider, error) { return nil, context.DeadlineExceeded }
		})
		tb.say(manage(1, "ListClusters", `{}`))
		wants(t, tb.hear(), `"isError":true`)
		if r := tb.records(1)[0]; r.Class != "policy" {
			t.Errorf("record %+v", r)
		}
	})
}

func TestShadowModeGrantsAndDeniesNothingOfPolicys(t *testing.T) {
	tb := converse(t, "own", func(g *Gate) {
		ownPolicy(t, allowAll, "", ownerRego+"\nsession_deny contains {\"Action\": [\"ecs:*\"], \"Resource\": [\"*\"]} if input.actions[\"ecs:deleteservice\"] == true\n")(g)
		shadowed(g)
	})
	tb.say(manage(1, "DeleteService", deleteStaging)) // of no team
	tb.get()
	if err := tb.deleteStaging(); err != nil {
		t.Errorf("AWS refused what shadow mode let through: %v", err)
	}
	if r := tb.records(1)[0]; len(r.Result.SessionDeny) != 1 || !r.EnforceWouldDeny {
		t.Errorf("record %+v", r.Result)
	}
}

func TestShadowModeHidesNoKnownTool(t *testing.T) {
	tb := converse(t, "reader", shadowed)
	tb.gate.ListOperations = true
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	tb.get()
	known := `{"name":"delete_app","inputSchema":{}},{"name":"ecs_resource_management","description":"d","inputSchema":{}}`
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"tools":[` + known + `,{"name":"undocumented","inputSchema":{}}]}}`)
	if got := tb.hear(); got != `{"jsonrpc":"2.0","id":1,"result":{"tools":[`+known+`]}}` {
		t.Errorf("listed %s", got)
	}
}
