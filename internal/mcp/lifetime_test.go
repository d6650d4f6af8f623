package mcp

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Ids of the two sides are separate spaces, and both count from 0 or 1: a
// server's own request, however broken, is not the answer to the client's.
func TestAnUnreadableRequestOfTheServerAnswersNothing(t *testing.T) {
	for name, line := range map[string]string{
		"a repeated key": `{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"a":1,"a":2}}`,
		"over the limit": `{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"x":"` + strings.Repeat("x", 17<<20) + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "deployer", nil)
			tb.say(manage(1, "UpdateService", updateStaging))
			tb.get()
			tb.say(manage(2, "ListClusters", `{}`)) // another scope: waits
			tb.tell(line)
			tb.say(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
			wants(t, tb.get(), `"id":3`) // and not the call of another scope
			tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"true":"answer"}}`)
			wants(t, tb.hear(), `"true":"answer"`)
			wants(t, tb.get(), `"id":2`)
		})
	}
}

func TestRequestsThatAreCancelledAndNeverAnsweredDoNotFillTheTable(t *testing.T) {
	for name, rest := range map[string]string{
		"a call that was lent nothing": `"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv","port":80}}`,
		"a relayed request":            `"method":"ping"`,
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "reader", nil)
			for i := range maxInflight + 1 {
				tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,%s}`, i, rest))
				tb.get()
				tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, i))
				tb.get()
			}
			tb.say(`{"jsonrpc":"2.0","id":"after","method":"ping"}`)
			wants(t, tb.get(), `"after"`)
		})
	}
}

func TestACancelledCallThatWasLentNothingHasItsOutcome(t *testing.T) {
	tb := converse(t, "reader", nil)
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv","port":80}}}`)
	tb.get()
	tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	tb.get()
	wants(t, fmt.Sprint(classes(tb.records(2))), "outcome/cancelled")
}

func TestRequestsThatTheServerCancelsAreForgotten(t *testing.T) {
	tb := converse(t, "reader", nil)
	for i := range maxInflight + 1 {
		tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"elicitation/create","params":{}}`, i))
		wants(t, tb.hear(), "elicitation/create")
		tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, i))
		wants(t, tb.hear(), "notifications/cancelled")
	}
}

func TestMoreRequestsThanAnyoneNeedsAreRefused(t *testing.T) {
	tb := converse(t, "reader", nil)
	for i := range maxInflight {
		tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"ping"}`, i))
		tb.get()
	}
	tb.say(`{"jsonrpc":"2.0","id":"more","method":"ping"}`)
	wants(t, tb.hear(), `"more"`, "-32600", "256 requests are not answered yet")
}

func TestAServerThatDoesNotReadDoesNotKeepTheProxy(t *testing.T) {
	c := NewConversation(wire.Limits{}, zap.NewNop(), func(lane int, means grant.Means) (Process, error) {
		_, process := play(lane, means.Environ, func() {}) // nobody reads
		return process, nil
	})
	shared := converse(t, "reader", nil).gate
	c.Gate = &Gate{Caller: shared.Caller, Catalog: shared.Catalog, Policy: shared.Policy, Record: shared.Record, Timeout: time.Minute,
		ShowCommand: shared.ShowCommand, Lanes: lane.New(lane.Config{Open: c.Open})}
	fromClient, client := io.Pipe()
	ended := done(func() {
		if err := c.Run(t.Context(), fromClient, io.Discard); err != nil {
			t.Error(err)
		}
	})
	if _, err := io.WriteString(client, `{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	client.Close()
	select {
	case <-ended:
	case <-time.After(limit):
		t.Error("still running long after the client left")
	}
}

func TestTheLongerOfTwoReadsKeepsItsCredentials(t *testing.T) {
	tb := converse(t, "reader", nil)
	wait := `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"wait_for_service_ready","arguments":{"cluster":"staging","service_name":"checkout","timeout_seconds":%d}}}`
	tb.say(fmt.Sprintf(wait, 1, 700))
	tb.get()
	tb.say(fmt.Sprintf(wait, 2, 5))
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":2,"result":{}}`)
	tb.hear()
	keys, err := tb.draw()
	check(t, err)
	if longer := tb.records(3)[0].Grant.AccessKeyID; keys.AccessKeyId != longer {
		t.Errorf("draws %s, which ends before the call that is left; its own is %s", keys.AccessKeyId, longer)
	}
}

func TestADeadlineIsToldToTheServerThoughTheClientPauses(t *testing.T) {
	hurried(t, func(timeout time.Duration) (tooSoon bool) {
		tb := converse(t, "reader", func(g *Gate) { g.Timeout = 4 * timeout })
		tb.say(manage(1, "ListClusters", `{}`))
		if tb.refused(1) {
			return true
		}
		tb.get()
		for range 17 { // more than may wait for a client that does not read
			tb.tell(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"` + strings.Repeat("x", 1<<20) + `"}}`)
		}
		wants(t, tb.get(), "notifications/cancelled")
		return false
	})
}
