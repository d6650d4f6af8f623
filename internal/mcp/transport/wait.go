package transport

import (
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
)

// Done is closed when the command has ended and, under a guard, everything below it.
func (c *Child) Done() <-chan struct{} { return c.done }

// Wait waits until Done and says how the command ended.
func (c *Child) Wait() Exit {
	<-c.done
	return c.exit
}

func (c *Child) endsWithin(grace time.Duration) bool {
	over, stop := awake.After(grace)
	defer stop()
	select {
	case <-c.done:
		return true
	case <-over:
		return false
	}
}
