package remote

import "github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"

const (
	most        = 256      // requests under way at the same time
	mostWaiting = 16 << 20 // bytes of messages that wait for one of them to end
)

// queue is in which order messages are sent: as they come, each by a request of its
// own; but nothing overtakes initialize and what ends it, for what follows needs the
// session, and comes after it. Its zero value is ready.
type queue struct {
	busy    int
	greets  bool // initialize, or what ends it, is under way
	waiting []*wire.Message
	bytes   int // that wait
}

// add takes a message and returns those whose turn has come; ok is false if too
// much waits already.
func (q *queue) add(m *wire.Message) (ready []*wire.Message, ok bool) {
	if q.bytes > mostWaiting {
		return nil, false
	}
	q.waiting = append(q.waiting, m)
	q.bytes += len(m.Raw)
	return q.next(), true
}

// end says that a message is dealt with, and returns those whose turn has come.
func (q *queue) end(m *wire.Message) (ready []*wire.Message) {
	q.busy--
	if greets(m) {
		q.greets = false
	}
	return q.next()
}

func (q *queue) next() (ready []*wire.Message) {
	for len(q.waiting) > 0 && !q.greets && q.busy < most {
		m := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.bytes -= len(m.Raw)
		q.busy++
		q.greets = greets(m)
		ready = append(ready, m)
	}
	if len(q.waiting) == 0 {
		q.waiting = nil // an idle session keeps nothing
	}
	return ready
}

func greets(m *wire.Message) bool {
	return m.Method == "initialize" || m.Method == "notifications/initialized"
}
