package grant

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// every retries after exactly d.
func every(d time.Duration) *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return d, nil })
	})
}

// Fault table: STS throttled.
func TestThrottlingIsWaitedOutAndCounted(t *testing.T) {
	for throttled, want := range map[int]struct {
		requests int
		lent     bool
	}{0: {1, true}, 1: {2, true}, 4: {5, true}, 5: {5, false}} {
		a, b, _, role := account(t, mayAssume)
		b.retry = every(time.Millisecond)
		a.Throttle("sts:AssumeRole", throttled)
		g, err := b.Mint(t.Context(), order(role))
		if (err == nil) != want.lent || (g != nil) != want.lent || len(a.Requests()) != want.requests {
			t.Errorf("throttled %d times: grant %v, error %v, %d requests", throttled, g, err, len(a.Requests()))
		}
	}
}

func TestThePatienceEndsWithTheCall(t *testing.T) {
	a, b, _, role := account(t, mayAssume)
	a.Throttle("sts:AssumeRole", -1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b.retry = every(time.Hour)
	_, err := b.Mint(ctx, order(role))
	if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "throttles this account") || ctx.Err() != nil {
		t.Errorf("err = %v, %v", err, ctx.Err())
	}
	if n := len(a.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// Fault table: STS down for a moment.
func TestAnSTSThatComesBackIsAskedAgain(t *testing.T) {
	a, b, _, role := account(t, mayAssume)
	b.retry = every(time.Millisecond)
	a.Fail("sts:AssumeRole", 2, fakeaws.Failure{Code: "InternalFailure", Status: 500})
	if g, err := b.Mint(t.Context(), order(role)); g == nil || err != nil || len(a.Requests()) != 3 {
		t.Errorf("grant %v, error %v, %d requests", g, err, len(a.Requests()))
	}
}

// Fault table: STS slow.
func TestASlowSTSIsWaitedForAsLongAsTheCallLasts(t *testing.T) {
	a, b, _, role := account(t, mayAssume)
	a.Fail("sts:AssumeRole", 1, fakeaws.Failure{Delay: 100 * time.Millisecond})
	if g, err := b.Mint(t.Context(), order(role)); g == nil || err != nil {
		t.Errorf("grant %v, error %v", g, err)
	}
	a.Fail("sts:AssumeRole", 1, fakeaws.Failure{Delay: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if g, err := b.Mint(ctx, order(role)); g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "no answer from STS in time") {
		t.Errorf("grant %v, error %v", g, err)
	}
}

func TestEachDelayIsShortAndNeverTheSame(t *testing.T) {
	standard, seen := newRetry(), map[time.Duration]bool{}
	for attempt, most := range map[int]time.Duration{1: firstDelay, 2: 2 * firstDelay, 4: 8 * firstDelay, 5: maxDelay, 100: maxDelay} {
		for range 20 {
			d, err := standard.RetryDelay(attempt, nil)
			if err != nil || d < 0 || d >= most {
				t.Errorf("attempt %d: %v, %v", attempt, d, err)
			}
			seen[d] = true
		}
	}
	if len(seen) < 90 {
		t.Errorf("%d different delays of 100", len(seen))
	}
}
