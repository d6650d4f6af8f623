package mcp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// What a server says is about a request if it works on no other.
func TestTheOnlyRequestOfAServerIsWhatItSpeaksOf(t *testing.T) {
	f, server, other := newInflight(), &link{}, &link{}
	forward := func(l *link, line string) *request {
		t.Helper()
		m, err := wire.ReadClient([]byte(line), wire.Limits{})
		check(t, err)
		r := &request{message: m}
		check(t, f.add(r))
		if !f.forward(r, l, nil, nil, nil) {
			t.Fatal("not forwarded")
		}
		return r
	}
	want := func(id string) {
		t.Helper()
		if got := f.only(server); got.String() != id {
			t.Errorf("about %s, want %s", got, id)
		}
	}
	want("null")
	forward(other, `{"jsonrpc":"2.0","id":0,"method":"ping"}`)
	forward(server, `{"jsonrpc":"2.0","id":"listens","method":"subscriptions/listen"}`)
	forward(server, `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	want("1")
	second := forward(server, `{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	want("null")
	f.answeredBy(server, second.message.ID)
	want("1")
}

// An id that was given up on is free when its server has answered or ended, and
// until then only so many bytes of them are kept.
func TestAnIdThatWasGivenUpOnIsKeptFromTheNext(t *testing.T) {
	f, server := newInflight(), &link{}
	request := func(id string) *request {
		m, err := wire.ReadClient(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"method":"ping"}`, id), wire.Limits{})
		check(t, err)
		return &request{message: m}
	}
	giveUp := func(id string) {
		t.Helper()
		r := request(id)
		check(t, f.add(r))
		f.forward(r, server, nil, nil, nil)
		if !f.giveUp(r) || f.giveUp(r) {
			t.Fatal("not given up once")
		}
	}
	giveUp("1")
	if err := f.add(request("1.0")); err != errInUse {
		t.Errorf("used again: %v", err)
	}
	if f.answeredBy(&link{}, request("1").message.ID) != nil || f.add(request("1")) != errInUse {
		t.Error("another server's answer frees it")
	}
	if f.answeredBy(server, request("1").message.ID) != nil {
		t.Error("its answer is somebody's")
	}
	giveUp("1")
	f.of(server)
	for n := 0; ; n++ {
		r := request(fmt.Sprint(n))
		if err := f.add(r); err != nil {
			if err != errLate || n < 10000 || !slices.Equal(f.owing(), []lane.Server{server}) {
				t.Errorf("after %d: %v", n, err)
			}
			break
		}
		f.forward(r, server, nil, nil, nil)
		f.giveUp(r)
	}
	f.of(server)
	if f.size != 0 || len(f.late) != 0 {
		t.Errorf("%d bytes of %d are kept of a server that has ended", f.size, len(f.late))
	}
	check(t, f.add(request("1")))
}

// A server that never answers what was given up on is started again before too
// much has to be remembered of it: else the session would take nothing any more.
func TestAServerThatOwesTooManyAnswersIsStartedAgain(t *testing.T) {
	tb := converseOn(t, lane.Config{Lanes: 1, Delivery: grant.DeliverNone}, "reader", nil)
	tb.say(initialize)
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}`)
	tb.hear()
	for n := range 6 {
		id := fmt.Sprintf(`"%d%s"`, n, strings.Repeat("x", maxLate/5))
		tb.say(manage(id, "DescribeServices", readStaging))
		if n == 5 {
			break
		}
		tb.get()
		tb.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`)
		tb.get()
	}
	wants(t, tb.hear(), "it is started again")
	<-tb.killed
	again := <-tb.started
	wants(t, tb.read(again.serverIn), "initialize") // as to the first
}
