package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

func waiting(id, seconds int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"wait_for_service_ready","arguments":{"cluster":"staging","service_name":"checkout","timeout_seconds":%d}}}`, id, seconds)
}

// soon renews at once and then lasts as long as the call; it may fail instead.
type soon struct {
	Minter
	fails error
	ended chan struct{}
}

func (s soon) Keep(ctx context.Context, o grant.Order, _ *grant.Grant, lend func(*grant.Grant) error) error {
	if s.fails != nil {
		return s.fails
	}
	next, err := s.Mint(ctx, o)
	if err == nil {
		err = lend(next)
	}
	if err == nil {
		<-ctx.Done()
	}
	close(s.ended)
	return err
}

func TestALongCallIsLentOneGrantAfterTheOther(t *testing.T) {
	ended := make(chan struct{})
	tb := converse(t, "reader", func(g *Gate) { g.Wait, g.Grants = 2*time.Hour, soon{Minter: g.Grants, ended: ended} })
	tb.say(waiting(1, 3600))
	tb.get()
	records := tb.records(2)
	first, second := records[0], records[1]
	if second.Phase != audit.PhaseRenewal || second.DecisionID != first.DecisionID || second.Grant == nil || second.Grant.AccessKeyID == first.Grant.AccessKeyID || second.Grant.SessionName != first.Grant.SessionName {
		t.Fatalf("the renewal is recorded as %+v", second)
	}
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) { // it is lent after it is on record
		keys, err := tb.draw()
		check(t, err)
		if keys.AccessKeyId == second.Grant.AccessKeyID {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server draws %s, the renewed grant is %s", keys.AccessKeyId, second.Grant.AccessKeyID)
		}
	}
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	wants(t, tb.hear(), `"id":1`)
	select {
	case <-ended:
	case <-time.After(limit):
		t.Error("the renewal outlives its call")
	}
	if keys, err := tb.draw(); err == nil {
		t.Errorf("%s is lent after the call", keys.AccessKeyId)
	}
}

func TestARenewalThatFailsIsOnRecord(t *testing.T) {
	tb := converse(t, "reader", func(g *Gate) {
		g.Wait, g.Grants = 2*time.Hour, soon{Minter: g.Grants, fails: errors.New("STS is away")}
	})
	tb.say(waiting(1, 3600))
	tb.get()
	if r := tb.records(2)[1]; r.Phase != audit.PhaseRenewal || r.Class != classCredentials || !strings.Contains(r.Message, "STS is away") {
		t.Errorf("recorded as %+v", r)
	}
}

func TestAWaitBeyondTheLimitIsRefusedByName(t *testing.T) {
	for wait, seconds := range map[time.Duration]int{0: 781, time.Minute: 61} {
		tb := converse(t, "reader", func(g *Gate) { g.Wait = wait })
		tb.say(waiting(1, seconds))
		wants(t, tb.hear(), "wait_for_service_ready: timeout_seconds asks to wait for", "limits.wait is", fmt.Sprintf("give at most %d", seconds-1))
		tb.say(waiting(2, seconds-1))
		tb.get()
	}
}
