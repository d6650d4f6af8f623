package awake

import (
	"context"
	"sync"
	"time"
)

// steps is in how many steps a time is counted.
const steps = 20

// AfterFunc calls f in a goroutine of its own when the process was at work for d.
// Stop keeps it from being called, unless it is already.
func AfterFunc(d time.Duration, f func()) (stop func()) {
	var mu sync.Mutex // of what follows
	var timer *time.Timer
	left, stopped := steps, false
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(d/steps, func() {
		mu.Lock()
		defer mu.Unlock()
		switch left--; {
		case stopped:
		case left > 0:
			timer.Reset(d / steps)
		default:
			go f()
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// After returns a channel that is closed when the process was at work for d. Stop
// frees what waits for that.
func After(d time.Duration) (over <-chan struct{}, stop func()) {
	c := make(chan struct{})
	return c, AfterFunc(d, func() { close(c) })
}

// WithTimeout is context.WithTimeout, but for what its cause alone says: that the
// time is over is context.DeadlineExceeded there.
func WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	stop := AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
