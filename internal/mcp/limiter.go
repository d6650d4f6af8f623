package mcp

import (
	"sync"
	"time"
)

// Of the events of one window, only the first are recorded.
const (
	eventWindow = time.Minute
	eventBurst  = 60
)

// limiter counts events; its zero value is ready.
type limiter struct {
	mu      sync.Mutex
	since   time.Time
	count   int
	skipped int
}

// pass reports whether an event may pass, and if so how many did not before it.
func (l *limiter) pass(now time.Time) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) > eventWindow {
		l.since, l.count = now, 0
	}
	if l.count >= eventBurst {
		l.skipped++
		return 0, false
	}
	l.count++
	skipped, l.skipped = l.skipped, 0
	return skipped, true
}
