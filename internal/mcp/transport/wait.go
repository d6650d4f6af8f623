package transport

import "time"

// Done is closed when the command has ended and, under a guard, everything below it.
func (c *Child) Done() <-chan struct{} { return c.done }

// Wait waits until Done and says how the command ended.
func (c *Child) Wait() Exit {
	<-c.done
	return c.exit
}

func (c *Child) endsWithin(grace time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-time.After(grace):
		return false
	}
}
