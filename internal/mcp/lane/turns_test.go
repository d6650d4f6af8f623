package lane

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// sharing is servers that were not started here, and the sessions of principals at them.
type sharing struct {
	turns *Turns
	grace time.Duration
}

func shared(t *testing.T, servers int) *sharing {
	t.Helper()
	var endpoints []*grant.Endpoint
	for range servers {
		endpoints = append(endpoints, &grant.Endpoint{})
	}
	return &sharing{NewTurns(endpoints), 10 * time.Second}
}

func (s *sharing) session(t *testing.T, principal string) *Pool {
	t.Helper()
	return pool(t, &starter{}, Config{Turns: s.turns, Principal: principal, Delivery: grant.DeliverLease, Grace: s.grace})
}

// lends acquires for a call and lends it something for that long.
func lends(t *testing.T, p *Pool, scope string, lasts time.Duration) *Hold {
	t.Helper()
	h := take(t, p, Ask{Scope: scope, Exclusive: true, AWS: true})
	until := time.Now().Add(lasts)
	if err := h.Deliver(t.Context(), &grant.Grant{Until: until, Expires: until}); err != nil {
		t.Fatal(err)
	}
	return h
}

// vanishes gives up on a call whose server does not say whether it ended.
func vanishes(h *Hold) {
	h.Abandon()
	h.Lost()
	h.Release()
}

func TestTurnsInCommonGoRoundAmongPrincipals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shared(t, 1)
		greedy, again, modest := s.session(t, "greedy"), s.session(t, "greedy"), s.session(t, "modest")
		first := take(t, greedy, Ask{Scope: "0", Exclusive: true})
		got := make(chan string, 10)
		for i, p := range []*Pool{greedy, again, greedy, again, modest} {
			go func() {
				if h, err := p.Acquire(t.Context(), Ask{Scope: fmt.Sprint(i), Exclusive: true}); err == nil {
					got <- p.config.Principal
					h.Release()
				}
			}()
			synctest.Wait()
		}
		first.Release()
		synctest.Wait()
		if a, b := <-got, <-got; a != "greedy" || b != "modest" || len(got) != 3 {
			t.Errorf("the first two are %s and %s, and %d follow", a, b, len(got))
		}
		greedy.Close()
		again.Close()
		modest.Close()
	})
}

// Reads that share a turn, one joining before the other ends, would keep it for ever.
func TestNobodyKeepsATurnBySharingItWithThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shared(t, 1)
		greedy, modest := s.session(t, "greedy"), s.session(t, "modest")
		read := Ask{Scope: "of greedy"}
		first := take(t, greedy, read)
		second := take(t, greedy, read) // nobody waits
		_, theirs := waits(t, modest, Ask{Scope: "of modest"})
		wait, third := waits(t, greedy, read)
		if !wait {
			t.Fatal("a read overtook another principal's call")
		}
		_, fourth := waits(t, greedy, read)
		first.Release()
		second.Release()
		synctest.Wait()
		if len(theirs) != 1 || len(third) != 0 {
			t.Fatal("the turn did not go on")
		}
		(<-theirs).Release()
		synctest.Wait()
		if len(third) != 1 || len(fourth) != 1 {
			t.Error("equal reads that waited do not share their turn")
		}
		greedy.Close()
		modest.Close()
	})
}

// A principal's calls have their turns on other lanes meanwhile, again and again.
func TestWhatNeedsTheFirstLaneIsNotPutBackByTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shared(t, 2)
		ours, theirs := s.session(t, "ours"), s.session(t, "theirs")
		call := func(scope string, i int) Ask { return Ask{Scope: fmt.Sprint(scope, i), Exclusive: true, AWS: true} }
		var held [2]*Hold
		for i, p := range []*Pool{ours, theirs} {
			h := take(t, p, call("held", i))
			held[h.Lane()] = h
		}
		_, first := waits(t, ours, Ask{First: true})
		var calls []<-chan *Hold
		for i := range 10 {
			_, our := waits(t, ours, call("our", i))
			_, their := waits(t, theirs, call("their", i))
			calls = append(calls, our, their)
		}
		for _, lane := range []int{1, 0, 1, 0} {
			held[lane].Release()
			synctest.Wait()
			for _, got := range calls {
				if len(got) > 0 {
					h := <-got
					held[h.Lane()] = h
				}
			}
			if len(first) > 0 {
				break
			}
		}
		if len(first) == 0 {
			t.Error("lane 0 went to others twice")
		}
		ours.Close()
		theirs.Close()
	})
}

func TestWhoGivesUpOnACallThatMayGoOnLetsTheOthersFirst(t *testing.T) {
	const lasts = 2 * time.Minute
	tests := []struct {
		name  string
		end   func(h *Hold, p *Pool)
		alone bool          // nobody else has a session
		other bool          // whether it still has the other server at once
		after time.Duration // how long after its call it has a server again
	}{
		{name: "a call that was given up on bars the principal as long again as its server was lost", end: func(h *Hold, _ *Pool) { vanishes(h) }, after: 2 * lasts},
		{name: "so does the end of the session it was made in", end: func(h *Hold, p *Pool) { p.Close(); h.Lost(); h.Release() }, after: 2 * lasts},
		{name: "a call that was given up on bars it until its server answers", end: func(h *Hold, _ *Pool) {
			h.Abandon()
			time.AfterFunc(5*time.Second, func() { h.Release() })
		}, after: 5 * time.Second},
		{name: "a server whose connection broke is not the principal's doing", end: func(h *Hold, _ *Pool) { h.Lost(); h.Release() }, other: true},
		{name: "a call that was answered bars nobody", end: func(h *Hold, _ *Pool) { h.Release() }, other: true},
		{name: "nobody is barred for the sake of nobody", end: func(h *Hold, _ *Pool) { vanishes(h) }, alone: true, other: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := shared(t, 2)
				first, p := s.session(t, "mallory"), s.session(t, "mallory")
				if !tt.alone {
					defer s.session(t, "alice").Close()
				}
				h := lends(t, first, "a", lasts)
				began := time.Now()
				tt.end(h, first)
				wait, got := waits(t, p, Ask{Scope: "b", Exclusive: true, AWS: true})
				if wait == tt.other {
					t.Fatalf("waits: %t", wait)
				}
				(<-got).Release()
				if took := time.Since(began); took != tt.after {
					t.Errorf("it had a server after %s, want %s", took, tt.after)
				}
				first.Close()
				p.Close()
			})
		})
	}
}

// One who asks and goes, whenever they may, leaves the others a server for half of the time.
func TestOneWhoAsksAndGoesDoesNotStarveTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shared(t, 1)
		alice := s.session(t, "alice")
		for range 5 { // however many sessions
			mallory := s.session(t, "mallory")
			defer mallory.Close()
			go func() {
				for {
					h, err := mallory.Acquire(t.Context(), Ask{Scope: "m", Exclusive: true, AWS: true})
					if err != nil {
						return
					}
					until := time.Now().Add(2 * time.Minute)
					_ = h.Open(t.Context())
					_ = h.Deliver(t.Context(), &grant.Grant{Until: until, Expires: until})
					vanishes(h)
				}
			}()
		}
		served := 0
		for range 60 { // a call a minute, answered in a second
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if h, err := alice.Acquire(ctx, Ask{Scope: "a", Exclusive: true, AWS: true}); err == nil {
				time.Sleep(time.Second)
				h.Release()
				served++
			}
			<-ctx.Done()
			cancel()
		}
		if served < 30 {
			t.Errorf("%d of 60 calls had a server", served)
		}
		alice.Close()
	})
}

// What is only relayed, as each client's list of tools, has that server and no other.
func TestACallThatMayGoOnDoesNotTakeTheFirstServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shared(t, 2)
		alice, mallory := s.session(t, "alice"), s.session(t, "mallory")
		vanishes(lends(t, mallory, "m", time.Minute))
		if wait, _ := waits(t, alice, Ask{First: true}); wait {
			t.Error("nobody is told which tools there are")
		}
		alice.Close()
		mallory.Close()
	})
}
