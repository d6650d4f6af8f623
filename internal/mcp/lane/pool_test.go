package lane

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// running is a server that does nothing until it is ended.
type running struct {
	lane    int
	environ []string
	grant   grant.Lender
	end     func()
	ended   chan struct{}
}

func (r *running) Send([]byte) bool      { return true }
func (r *running) Close()                { r.end() }
func (r *running) Kill()                 { r.end() }
func (r *running) Done() <-chan struct{} { return r.ended }
func (r *running) OnDone(f func()) {
	go func() {
		<-r.ended
		f()
	}()
}

// starter starts such servers.
type starter struct {
	mu      sync.Mutex
	fail    int // how often the next starts fail
	started []*running
}

func (s *starter) open(_ context.Context, lane int, means grant.Means) (Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return nil, errors.New("exit status 1")
	}
	r := &running{lane: lane, environ: means.Environ, grant: means.Grant, ended: make(chan struct{})}
	r.end = sync.OnceFunc(func() { close(r.ended) })
	s.started = append(s.started, r)
	return r, nil
}

func (s *starter) lanes() (lanes []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.started {
		lanes = append(lanes, r.lane)
	}
	return lanes
}

func pool(t *testing.T, s *starter, config Config) *Pool {
	t.Helper()
	config.Open = s.open
	p := New(config)
	t.Cleanup(p.Close)
	return p
}

// take acquires and opens; it must not have to wait for another call.
func take(t *testing.T, p *Pool, ask Ask) *Hold {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := p.Acquire(ctx, ask)
	if err == nil {
		err = h.Open(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// waits reports whether an ask has to wait, and returns the channel that gives its hold.
func waits(t *testing.T, p *Pool, ask Ask) (bool, <-chan *Hold) {
	t.Helper()
	got := make(chan *Hold, 1)
	go func() {
		if h, err := p.Acquire(t.Context(), ask); err == nil {
			got <- h
		}
	}()
	synctest.Wait()
	return len(got) == 0, got
}

func TestWhichLaneACallTakes(t *testing.T) {
	read, write := Ask{Scope: "a"}, Ask{Scope: "b", Exclusive: true}
	tests := []struct {
		name string
		asks []Ask
		want string // the lane of each; - waits
	}{
		{"equal reads share", []Ask{read, read, read}, "[0 0 0]"},
		{"another scope takes another lane", []Ask{read, {Scope: "c"}, write}, "[0 1 2]"},
		{"equal writes do not share", []Ask{write, write}, "[0 1]"},
		{"more than the lanes wait", []Ask{write, write, write, write, read}, "[0 1 2 - -]"},
		{"nobody overtakes one who waits", []Ask{read, {Scope: "c"}, {Scope: "d"}, write, read}, "[0 1 2 - -]"},
		{"a long call leaves lane 0 to others", []Ask{{Scope: "w", Long: true}, read}, "[1 0]"},
		{"long calls take lane 0 last", []Ask{{Scope: "w", Long: true}, {Scope: "x", Long: true}, {Scope: "y", Long: true}}, "[1 2 0]"},
		{"what needs lane 0 waits for it, and others do not wait for that", []Ask{read, {Scope: "", First: true}, write}, "[0 - 1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pool(t, &starter{}, Config{Lanes: 3})
				var got []string
				for _, ask := range tt.asks {
					if wait, h := waits(t, p, ask); wait {
						got = append(got, "-")
					} else {
						got = append(got, fmt.Sprint((<-h).Lane()))
					}
				}
				if fmt.Sprint(got) != tt.want {
					t.Errorf("lanes %v, want %s", got, tt.want)
				}
				p.Close()
			})
		})
	}
}

func TestAnAbandonedCallLetsNobodyShareAndIsKilledInTheEnd(t *testing.T) {
	s := &starter{}
	p := pool(t, s, Config{Lanes: 1, Delivery: grant.DeliverLease, Grace: 50 * time.Millisecond})
	h := take(t, p, Ask{Scope: "a"})
	if err := h.Deliver(t.Context(), &grant.Grant{Until: time.Now().Add(time.Minute), Expires: time.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if h.Abandon() {
		t.Fatal("a call with credentials is not at its end when it is given up on")
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Acquire(short, Ask{Scope: "a"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an equal read came in beside an abandoned call: %v", err)
	}
	<-h.Server().Done()
	h.Release()
	if again := take(t, p, Ask{Scope: "b"}); again.Server() == h.Server() || len(s.lanes()) != 2 {
		t.Error("the next call got the server that was killed")
	}
}

func TestACallThatWasLentNothingJustEnds(t *testing.T) {
	p := pool(t, &starter{}, Config{Lanes: 1, Delivery: grant.DeliverLease, Grace: time.Hour})
	h := take(t, p, Ask{Scope: "a", Exclusive: true})
	if !h.Abandon() {
		t.Error("its turn goes on")
	}
	take(t, p, Ask{Scope: "b"})
}

func TestAServerThatEndedIsStartedAgainWithAGrowingPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{}
		p := pool(t, s, Config{Lanes: 1})
		var pauses []time.Duration
		for range 4 {
			h := take(t, p, Ask{Scope: "a"})
			h.Release()
			s.started[len(s.started)-1].Kill()
			ended := time.Now()
			take(t, p, Ask{Scope: "a"}).Release()
			pauses = append(pauses, time.Since(ended))
			s.started[len(s.started)-1].Kill()
			synctest.Wait()
		}
		for i := 1; i < len(pauses); i++ {
			if pauses[i] <= pauses[i-1] {
				t.Errorf("pauses %v do not grow", pauses)
			}
		}
		time.Sleep(lastPause)
		h := take(t, p, Ask{Scope: "a"})
		time.Sleep(2 * steady)
		h.Release()
		s.started[len(s.started)-1].Kill()
		ended := time.Now()
		take(t, p, Ask{Scope: "a"}).Release()
		if time.Since(ended) > firstPause {
			t.Errorf("a server that ran for long was started again after %s", time.Since(ended))
		}
		p.Close()
	})
}

func TestAServerThatCannotBeStartedFailsItsCallAndNobodyElse(t *testing.T) {
	s := &starter{}
	p := pool(t, s, Config{Lanes: 2})
	first := take(t, p, Ask{Scope: "a", Exclusive: true})
	s.fail = 1
	h, err := p.Acquire(t.Context(), Ask{Scope: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Open(t.Context()); !errors.Is(err, ErrStart) {
		t.Errorf("err = %v, want ErrStart", err)
	}
	h.Release()
	take(t, p, Ask{Scope: "b"}).Release()
	first.Release()
}

func TestUnderProcessEveryCallHasAServerThatEndsWithIt(t *testing.T) {
	s := &starter{}
	p := pool(t, s, Config{Lanes: 2, Delivery: grant.DeliverProcess})
	if _, err := p.First(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		h := take(t, p, Ask{Scope: "a", AWS: true})
		if h.Server() != nil {
			t.Fatal("a server was there before the grant")
		}
		if err := h.Deliver(t.Context(), &grant.Grant{AccessKeyID: "ASIA1"}); err != nil {
			t.Fatal(err)
		}
		server := h.Server().(*running)
		if server.lane == 0 || server.environ[0] != "AWS_ACCESS_KEY_ID=ASIA1" {
			t.Errorf("server of lane %d with %d variables", server.lane, len(server.environ))
		}
		h.Release()
		<-server.ended
	}
	if s.started[0].environ != nil {
		t.Error("the first server has credentials in its environment")
	}
	if h := take(t, p, Ask{}); h.Lane() != 0 {
		t.Error("a call that uses no AWS has a server of its own")
	}
}

// Where each call has a process of its own, the sessions that others keep open
// must not leave none for it.
func TestUnderProcessEverySessionHasOneCallWhateverTheOthersKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := Config{Lanes: 2, Delivery: grant.DeliverProcess, Processes: NewProcesses(3)}
		idle := []*Pool{pool(t, &starter{}, config), pool(t, &starter{}, config), pool(t, &starter{}, config)}
		for _, p := range idle {
			if _, err := p.First(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p := pool(t, &starter{}, config)
		wait, first := waits(t, p, Ask{Scope: "a", AWS: true})
		if wait {
			t.Fatal("a session's only call waits for others that are idle")
		}
		wait, second := waits(t, p, Ask{Scope: "a", AWS: true})
		if !wait {
			t.Error("a session has two over the bound")
		}
		(<-first).Release()
		(<-second).Release()
	})
}

func TestProcessesBoundAllSessionsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := NewProcesses(3)
		a, b := pool(t, &starter{}, Config{Lanes: 4, Processes: shared}), pool(t, &starter{}, Config{Lanes: 4, Processes: shared, Idle: time.Minute})
		take(t, a, Ask{Scope: "1", Exclusive: true})
		take(t, b, Ask{Scope: "1", Exclusive: true})
		third := take(t, b, Ask{Scope: "2", Exclusive: true})
		wait, got := waits(t, a, Ask{Scope: "2", Exclusive: true})
		if !wait {
			t.Fatal("a fourth server was started")
		}
		third.Release()
		time.Sleep(2 * time.Minute) // it is idle, and closed
		synctest.Wait()
		if len(got) != 1 {
			t.Error("the server that ended made no room")
		}
		a.Close()
		b.Close()
	})
}

func TestSessionsThatShareServersShareTheirTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(make([]*grant.Endpoint, 2))
		a, b := pool(t, &starter{}, Config{Turns: turns}), pool(t, &starter{}, Config{Turns: turns})
		first := take(t, a, Ask{Scope: "of a", Exclusive: true})
		second := take(t, b, Ask{Scope: "of b", Exclusive: true})
		if first.Lane() == second.Lane() {
			t.Fatal("two sessions have one server at the same time")
		}
		wait, got := waits(t, a, Ask{Scope: "of a"})
		if !wait {
			t.Fatal("a third call has a server")
		}
		second.Release() // of the other session
		synctest.Wait()
		if len(got) != 1 {
			t.Error("the turn that the other session gave up was not taken")
		}
		a.Close()
		b.Close()
	})
}

// A server that was not started here cannot be killed: while it may still work
// for a call whose connection is lost, nobody else's credentials are on its endpoint.
func TestALostCallKeepsTheTurnUntilItsGrantHasEnded(t *testing.T) {
	endpoint, err := grant.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer endpoint.Close()
	turns := NewTurns([]*grant.Endpoint{endpoint})
	lost, other := pool(t, &starter{}, Config{Turns: turns, Delivery: grant.DeliverLease}), pool(t, &starter{}, Config{Turns: turns, Delivery: grant.DeliverLease})
	h := take(t, lost, Ask{Scope: "a", AWS: true})
	until := time.Now().Add(700 * time.Millisecond)
	if err := h.Deliver(t.Context(), &grant.Grant{Until: until, Expires: until}); err != nil {
		t.Fatal(err)
	}
	h.Lost()
	h.Release()
	lost.Close() // the session need not last as long
	take(t, other, Ask{Scope: "a", AWS: true}).Release()
	if time.Now().Before(until) {
		t.Error("another session got the turn while the server could still draw")
	}
}

func TestAWaitEndsWithItsContextAndWithThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pool(t, &starter{}, Config{Lanes: 1})
		take(t, p, Ask{Scope: "a", Exclusive: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx, Ask{Scope: "b"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want the deadline", err)
		}
		var err error
		go func() { _, err = p.Acquire(t.Context(), Ask{Scope: "b"}) }()
		synctest.Wait()
		p.Close()
		synctest.Wait()
		if !errors.Is(err, ErrClosed) {
			t.Errorf("err = %v, want ErrClosed", err)
		}
		if _, err := p.Acquire(t.Context(), Ask{Scope: "a"}); !errors.Is(err, ErrClosed) {
			t.Errorf("err = %v, want ErrClosed", err)
		}
	})
}

// Whatever is asked for, cancelled, released and killed in whatever order:
// scopes never mix in a lane, an exclusive hold is alone, no more servers run
// than there are lanes, and in the end every lane is free.
func TestScopesNeverMix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lanes := rapid.IntRange(1, 3).Draw(rt, "lanes")
		type ask struct {
			Ask
			at, hold, patience int
			kill               bool
		}
		asks := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) ask {
			return ask{Ask{Scope: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "scope"), Exclusive: rapid.Bool().Draw(rt, "exclusive"),
				Long: rapid.Bool().Draw(rt, "long"), First: rapid.IntRange(0, 4).Draw(rt, "first") == 0},
				rapid.IntRange(0, 30).Draw(rt, "at"), rapid.IntRange(1, 10).Draw(rt, "for"), rapid.IntRange(5, 60).Draw(rt, "patience"),
				rapid.IntRange(0, 5).Draw(rt, "kill") == 0}
		}), 1, 20).Draw(rt, "asks")
		synctest.Test(t, func(t *testing.T) {
			p := New(Config{Lanes: lanes, Open: (&starter{}).open})
			var mu sync.Mutex
			inside := map[int][]Ask{}
			for _, a := range asks {
				go func() {
					time.Sleep(time.Duration(a.at) * time.Millisecond)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(a.patience)*time.Millisecond)
					defer cancel()
					h, err := p.Acquire(ctx, a.Ask)
					if err != nil {
						return
					}
					mu.Lock()
					here := append(inside[h.Lane()], a.Ask)
					inside[h.Lane()] = here
					for _, other := range here {
						if other.Scope != a.Scope || len(here) > 1 && other.Exclusive {
							t.Errorf("lane %d holds %v", h.Lane(), here)
						}
					}
					mu.Unlock()
					if h.Open(ctx) == nil && a.kill {
						h.Server().Kill()
					}
					time.Sleep(time.Duration(a.hold) * time.Millisecond)
					mu.Lock()
					for i, other := range inside[h.Lane()] {
						if other == a.Ask {
							inside[h.Lane()] = append(inside[h.Lane()][:i:i], inside[h.Lane()][i+1:]...)
							break
						}
					}
					mu.Unlock()
					h.Release()
				}()
			}
			time.Sleep(5 * time.Minute)
			p.mu.Lock()
			for _, l := range p.lanes {
				if l.holders != 0 || l.abandoned != 0 {
					t.Errorf("lane %d has %d holders", l.index, l.holders)
				}
			}
			if p.waiting != 0 || len(p.turns.line) != 0 {
				t.Errorf("%d still wait", p.waiting)
			}
			p.mu.Unlock()
			p.Close()
		})
	})
}
