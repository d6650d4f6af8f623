package mcp

import (
	"context"
	"sync"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// questions are the proxy's own requests that the client has not answered. They
// never were a server's, and their answers go to none. The zero value is ready.
type questions struct {
	mu   sync.Mutex
	open map[wire.Key]chan *wire.Message
}

// ask notes a question; its one answer comes by the channel.
func (q *questions) ask(id wire.ID) <-chan *wire.Message {
	answer := make(chan *wire.Message, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = map[wire.Key]chan *wire.Message{}
	}
	q.open[id.Key()] = answer
	return answer
}

// take takes a question off; false if there is none with the id.
func (q *questions) take(id wire.ID) (answer chan<- *wire.Message, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	answer, ok = q.open[id.Key()]
	delete(q.open, id.Key())
	return answer, ok
}

// elicitor is how the client's user is asked about a request of a session; nil if
// the client cannot ask.
// Source: MCP 2025-06-18 and 2025-11-25, elicitation.
func (c *Conversation) elicitor(m *wire.Message) elicitor {
	if m.ModernVersion || !c.greeting.canElicit() {
		return nil
	}
	return func(ctx context.Context, text string) (*wire.Message, error) {
		id := wire.OwnID(audit.NewID(), m.ID)
		answered := c.questions.ask(id)
		if m.ProgressToken != nil {
			// Less yet than what is reported while the call waits for its turn.
			defer every(waitTold, func(times int) { c.progress(m, times, -12, "waiting for the user's answer") })()
		}
		c.client(wire.Elicit(id, text))
		var err error
		select {
		case answer := <-answered:
			return answer, nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-c.hungUp:
			err = errHungUp
		}
		if _, open := c.questions.take(id); open {
			c.client(wire.Cancel(id, "the answer is not waited for any more"))
		}
		return nil, err
	}
}

// elicited takes the client's answer to a question of the proxy's own.
func (c *Conversation) elicited(m *wire.Message) {
	answer, open := c.questions.take(m.ID)
	if !open {
		c.refuseMessage(classUnconfirmed, "an answer to a question of the proxy's that is not open any more; dropped", "", nil)
		return
	}
	answer <- m
}
