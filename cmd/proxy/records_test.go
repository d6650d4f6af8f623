package main

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

func TestTheHeadIsSaidWhenItIsNewAndAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	synctest.Test(t, func(t *testing.T) {
		records, err := audit.Open(path)
		must(t, err)
		defer records.Close()
		var said []uint64
		stop := announce(records, time.Minute, func(h audit.Head) { said = append(said, h.Seq) })
		record := func() { must(t, records.Append(audit.Record{Phase: audit.PhaseEvent, DecisionID: audit.NewID()})) }
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(90 * time.Second) // nothing to say
		record()
		record()
		pass(time.Minute)
		pass(10 * time.Minute) // the same
		record()
		stop()
		stop()
		if !slices.Equal(said, []uint64{2, 3}) {
			t.Errorf("said %v", said)
		}
	})
}
