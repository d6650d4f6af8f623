package awake

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoIsAtWorkHasTheTimeAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		over, stop := After(2 * time.Second)
		defer stop()
		time.Sleep(2*time.Second - time.Millisecond)
		synctest.Wait()
		select {
		case <-over:
			t.Error("it is over before its time")
		default:
		}
		if ctx.Err() != nil {
			t.Errorf("the context has ended before its time: %v", ctx.Err())
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		select {
		case <-over:
		default:
			t.Error("it goes on after its time")
		}
		if context.Cause(ctx) != context.DeadlineExceeded {
			t.Errorf("the context goes on after its time: %v", context.Cause(ctx))
		}
	})
}

func TestWhatIsStoppedDoesNotHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := AfterFunc(time.Second, func() { t.Error("it happens") })
		time.Sleep(time.Second / 2)
		stop()
		stop()
		time.Sleep(time.Minute)
		ctx, cancel := WithTimeout(t.Context(), time.Second)
		cancel()
		if ctx.Err() != context.Canceled || context.Cause(ctx) != context.Canceled {
			t.Errorf("ended as %v", context.Cause(ctx))
		}
	})
}
