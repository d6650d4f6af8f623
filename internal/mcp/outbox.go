package mcp

import (
	"sync"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// outboxBytes is how much may wait for a client that pauses. Beyond it, whoever
// has more to say waits.
const outboxBytes = 16 << 20

// outbox writes lines to the client in a goroutine of its own, so that a client
// that pauses does not keep the server's answers from being read, settled and
// put on record.
type outbox struct {
	to *wire.LineWriter

	mu      sync.Mutex
	changed *sync.Cond
	lines   [][]byte
	bytes   int
	closed  bool
	err     error
}

func newOutbox(to *wire.LineWriter) *outbox {
	o := &outbox{to: to}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// put queues a line; false if it will never be written.
func (o *outbox) put(line []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.bytes > outboxBytes && !o.closed && o.err == nil {
		o.changed.Wait()
	}
	if o.closed || o.err != nil {
		return false
	}
	o.lines = append(o.lines, line)
	o.bytes += len(line)
	o.changed.Broadcast()
	return true
}

// run writes until close was called and everything is out, or a write fails.
func (o *outbox) run() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for len(o.lines) == 0 && !o.closed {
			o.changed.Wait()
		}
		if len(o.lines) == 0 {
			return nil
		}
		line := o.lines[0]
		o.lines[0] = nil
		o.lines = o.lines[1:]
		o.mu.Unlock()
		err := o.to.Write(line)
		o.mu.Lock()
		o.bytes -= len(line)
		o.err = err
		o.changed.Broadcast()
		if err != nil {
			return err
		}
	}
}

// close lets run return when everything is out.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.changed.Broadcast()
}
