package mcp

import (
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// hurried plays a scene in which a call's time is soon over. Where the machine
// stands still, it may be over sooner than the scene needs: the scene then says so,
// and is played again with more time.
func hurried(t *testing.T, scene func(timeout time.Duration) (tooSoon bool)) {
	t.Helper()
	for timeout := 150 * time.Millisecond; scene(timeout); timeout *= 4 {
		if timeout > limit/2 {
			t.Fatalf("a call's time of %s was over too soon", timeout)
		}
	}
}

// refused waits for the nth record and reports whether it is a refusal.
func (tb *table) refused(n int) bool {
	tb.t.Helper()
	return tb.someRecords(n)[n-1].Phase == audit.PhaseRefusal
}
