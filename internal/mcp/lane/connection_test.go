package lane

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// signed is a pool of connections whose requests are signed.
func signed(t *testing.T, s *starter, lanes int) *Pool {
	t.Helper()
	return pool(t, s, Config{Lanes: lanes, Delivery: grant.DeliverSigV4, Idle: time.Hour, Grace: time.Second})
}

// lent is a call's turn, with a grant that lasts.
func lent(t *testing.T, p *Pool, scope string, lasts time.Duration) (*Hold, *grant.Grant) {
	t.Helper()
	h := take(t, p, Ask{Scope: scope, AWS: true})
	t.Cleanup(func() { h.Release() }) // before the pool is closed
	g := &grant.Grant{AccessKeyID: scope, Until: time.Now().Add(lasts)}
	if err := h.Deliver(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	return h, g
}

// hasEnded reports whether the connection that was opened as the i-th is over.
func (s *starter) hasEnded(i int) bool {
	select {
	case <-s.started[i].ended:
		return true
	default:
		return false
	}
}

func TestAConnectionSignsWithTheGrantOfTheCallThatHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{}
		p := signed(t, s, 2)
		first, g := lent(t, p, "a", time.Minute)
		if got, err := s.started[0].grant(t.Context()); got != g || err != nil {
			t.Errorf("it signs with %v, %v", got, err)
		}
		first.Release()
		if got, err := s.started[0].grant(t.Context()); !errors.Is(err, errIdle) {
			t.Errorf("between calls it signs with %v, %v", got, err)
		}
		second, next := lent(t, p, "a", time.Minute)
		if got, err := s.started[0].grant(t.Context()); got != next || err != nil || len(s.started) != 1 {
			t.Errorf("the next call of the scope signs with %v, %v, over %d connections", got, err, len(s.started))
		}
		renewed := &grant.Grant{AccessKeyID: "a2", Until: time.Now().Add(time.Hour)}
		if err := second.Deliver(t.Context(), renewed); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.started[0].grant(t.Context()); got != renewed {
			t.Errorf("a grant in the place of another does not sign: %v", got)
		}
	})
}

func TestAConnectionIsOfOneScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{}
		p := signed(t, s, 2)
		a, _ := lent(t, p, "a", time.Minute)
		b, _ := lent(t, p, "b", time.Minute)
		if wait, _ := waits(t, p, Ask{Scope: "a", AWS: true}); !wait {
			t.Error("a third call has a connection although two are the most")
		}
		a.Release() // the one that waits takes it
		synctest.Wait()
		b.Release()
		lent(t, p, "c", time.Minute)
		if len(s.started) != 3 {
			t.Fatalf("%d connections for three scopes", len(s.started))
		}
		if !s.hasEnded(1) { // b's was in the way
			t.Error("a connection of another scope was used, or kept beside")
		}
		if got, err := s.started[1].grant(t.Context()); err != nil || got.AccessKeyID != "b" {
			t.Errorf("its end is signed with %v, %v", got, err)
		}
	})
}

func TestAConnectionIsKeptNoLongerThanItsEndCanBeSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{}
		p := signed(t, s, 1)
		h, _ := lent(t, p, "a", time.Minute)
		h.Release()
		time.Sleep(54 * time.Second)
		synctest.Wait()
		if s.hasEnded(0) {
			t.Fatal("it was not kept")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !s.hasEnded(0) {
			t.Fatal("it was kept over the end of its grant")
		}
		if lent(t, p, "a", time.Minute); len(s.started) != 2 {
			t.Error("a connection that had ended was used")
		}
	})
}

func TestAConnectionOfACallThatWasGivenUpOnIsNotKept(t *testing.T) {
	for name, end := range map[string]func(*Hold){
		"cancelled":                  func(h *Hold) { h.Abandon(); h.Release() },
		"lost":                       func(h *Hold) { h.Lost(); h.Release() },
		"answered by its connection": func(h *Hold) { h.Broken(); h.Release() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &starter{}
				p := signed(t, s, 1)
				h, _ := lent(t, p, "a", time.Minute)
				end(h)
				if !s.hasEnded(0) {
					t.Error("its connection lives on")
				}
				if lent(t, p, "a", time.Minute); len(s.started) != 2 {
					t.Errorf("%d connections", len(s.started))
				}
			})
		})
	}
}

func TestWhatIsSignedForNoCallGoesOverTheFirstConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{}
		use := &grant.Grant{AccessKeyID: "use"}
		p := pool(t, s, Config{Lanes: 2, Delivery: grant.DeliverSigV4, Relay: func(context.Context) (*grant.Grant, error) { return use, nil }})
		one, two := take(t, p, Ask{}), take(t, p, Ask{})
		if one.Lane() != 0 || two.Lane() != 0 || len(s.started) != 1 {
			t.Errorf("lanes %d and %d, %d connections", one.Lane(), two.Lane(), len(s.started))
		}
		if got, err := s.started[0].grant(t.Context()); got != use || err != nil {
			t.Errorf("it signs with %v, %v", got, err)
		}
		if call := take(t, p, Ask{Scope: "a", AWS: true}); call.Lane() == 0 {
			t.Error("a call is signed where what is relayed is")
		}
	})
}

func TestAKeptConnectionCountsUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, processes := &starter{}, NewProcesses(8)
		p := pool(t, s, Config{Lanes: 2, Delivery: grant.DeliverSigV4, Idle: time.Hour, Processes: processes})
		for _, scope := range []string{"a", "b"} {
			h, _ := lent(t, p, scope, time.Minute)
			h.Release()
		}
		if n := processes.Count().Open; n != 2 || processes.taken != 2 {
			t.Errorf("%d are open, and %d count", n, processes.taken)
		}
		h, _ := lent(t, p, "a", time.Hour) // its first grant's end does not end it now
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := processes.Count().Open; n != 0 || processes.taken != 1 || s.hasEnded(0) || !s.hasEnded(1) {
			t.Errorf("%d are kept, and %d count", n, processes.taken)
		}
		h.Release()
		p.Close()
		if processes.taken != 0 {
			t.Errorf("%d count after the end of the session", processes.taken)
		}
	})
}
