package lane

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestTurnsAreGivenInTheOrderTheyWereAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		must(t, q.acquire(t.Context(), "a", false))
		must(t, q.acquire(t.Context(), "a", false)) // shares
		var got []string
		for _, w := range []struct {
			scope     string
			exclusive bool
		}{{"b", false}, {"a", false}, {"a", true}} {
			go func() {
				if q.acquire(t.Context(), w.scope, w.exclusive) == nil {
					got = append(got, fmt.Sprint(w.scope, w.exclusive))
				}
			}()
			synctest.Wait()
		}
		q.release(false)
		synctest.Wait()
		if len(got) != 0 {
			t.Fatalf("%v came in while a read of another scope still held the lane", got)
		}
		for range 3 {
			q.release(false)
			synctest.Wait()
		}
		if want := "[bfalse afalse atrue]"; fmt.Sprint(got) != want {
			t.Errorf("turns %v, want %s", got, want)
		}
	})
}

func TestAnAbandonedCallLetsNobodyShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		must(t, q.acquire(t.Context(), "a", false))
		q.abandon()
		in := false
		go func() { in = q.acquire(t.Context(), "a", false) == nil }()
		synctest.Wait()
		if in {
			t.Fatal("an equal read came in beside an abandoned call")
		}
		q.release(true)
		synctest.Wait()
		if !in {
			t.Fatal("the lane was not free after the abandoned call's own answer")
		}
	})
}

func TestAWaitEndsWithItsContextAndWithTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		must(t, q.acquire(t.Context(), "a", true))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.acquire(ctx, "b", false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want the deadline", err)
		}
		var err error
		go func() { err = q.acquire(t.Context(), "b", false) }()
		synctest.Wait()
		q.close()
		synctest.Wait()
		if !errors.Is(err, ErrClosed) || !errors.Is(q.acquire(t.Context(), "a", false), ErrClosed) {
			t.Errorf("err = %v, want ErrClosed", err)
		}
	})
}

// Whatever is asked for, cancelled and released in whatever order: scopes
// never mix, an exclusive hold is alone, and in the end the lane is free.
func TestScopesNeverMix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		asks := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) ask {
			return ask{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "scope"), rapid.Bool().Draw(rt, "exclusive"),
				rapid.IntRange(0, 30).Draw(rt, "at"), rapid.IntRange(1, 10).Draw(rt, "for"), rapid.IntRange(5, 60).Draw(rt, "patience")}
		}), 1, 20).Draw(rt, "asks")
		synctest.Test(t, func(t *testing.T) {
			var q queue
			inside := map[string]int{}
			alone := 0
			for _, a := range asks {
				go func() {
					time.Sleep(time.Duration(a.at) * time.Millisecond)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(a.patience)*time.Millisecond)
					defer cancel()
					if q.acquire(ctx, a.scope, a.exclusive) != nil {
						return
					}
					q.mu.Lock()
					inside[a.scope]++
					if a.exclusive {
						alone++
					}
					total := inside["a"] + inside["b"] + inside["c"]
					if total != inside[a.scope] || (alone > 0 && total > 1) {
						t.Errorf("inside %v, %d alone", inside, alone)
					}
					q.mu.Unlock()
					time.Sleep(time.Duration(a.hold) * time.Millisecond)
					q.mu.Lock()
					inside[a.scope]--
					if a.exclusive {
						alone--
					}
					q.mu.Unlock()
					q.release(false)
				}()
			}
			time.Sleep(time.Minute)
			q.mu.Lock()
			defer q.mu.Unlock()
			if q.holders != 0 || len(q.waiting) != 0 {
				t.Errorf("%d holders and %d waiters are left", q.holders, len(q.waiting))
			}
		})
	})
}

type ask struct {
	scope              string
	exclusive          bool
	at, hold, patience int
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
