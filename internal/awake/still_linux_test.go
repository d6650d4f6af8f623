package awake

import (
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"
)

func TestAMachineThatStandsStillIsNotAtWork(t *testing.T) {
	const limit = 2 * time.Second
	testkit.StoodStill(t, limit+limit/4, func(t *testing.T) {
		over, _ := After(limit)
		if err := testkit.StandStill(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-over:
			t.Error("it is over at once")
		case <-time.After(limit / 10): // one step is, and perhaps another
		}
		<-over
	})
}
