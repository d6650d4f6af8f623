package mcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// fromServer treats one line of the server.
func (c *Conversation) fromServer(ctx context.Context, line []byte, err error) {
	var m *wire.Message
	if err == nil {
		m, err = wire.ReadServer(line, c.Limits)
	}
	if err != nil {
		c.noise(err, len(line))
		return
	}
	switch m.Kind {
	case wire.Response:
		c.serverResponse(ctx, m)
	case wire.Notification:
		if m.Method == "notifications/cancelled" {
			c.inflight.answered(m.RequestID) // MCP wants no answer any more
		}
		if c.kept.Load().Mentions(m) {
			c.Event(classPolicy, fmt.Sprintf("the server's notification %q names what policy keeps from the client; dropped", short(m.Method)))
			return
		}
		c.client(m.Raw)
	default:
		c.serverRequest(m)
	}
}

// noise drops what is not a message. If it carries the id of a call, that call
// has been answered, but not in a way that can be passed on.
func (c *Conversation) noise(err error, size int) {
	var unread *wire.Error
	if errors.As(err, &unread) && !unread.ID.IsZero() && unread.Answer {
		if r := c.inflight.settle(unread.ID, forwarded, overdue); r != nil {
			if r.call != nil {
				c.outcome(r, classUpstream, "the answer cannot be read: "+err.Error())
			}
			if r.state == forwarded {
				c.client(c.lost(r, "the server's answer cannot be read"))
			}
			return
		}
	}
	if errors.Is(err, wire.ErrTooLong) {
		c.Event(classUpstream, fmt.Sprintf("the server wrote a line of more than %d bytes that answers no request; dropped", c.Limits.Bytes))
		return
	}
	c.Event(classUpstream, fmt.Sprintf("the server wrote %d bytes that are not a message: %s; dropped", size, err))
}

// serverResponse settles the request it answers; an answer to nothing is dropped.
func (c *Conversation) serverResponse(ctx context.Context, m *wire.Message) {
	r := c.inflight.settle(m.ID, forwarded, overdue)
	if r == nil {
		c.Event(classUpstream, "the server answered a request that is not in flight; dropped")
		return
	}
	answer := m.Raw
	if r.call != nil {
		class, note := describe(m)
		answer, r.redacted = r.call.redact.Response(m)
		if r.state == overdue {
			class, note = classTimeout, "answered after its deadline, when the client had been told that the outcome is unknown"
		}
		c.outcome(r, class, note)
	}
	switch {
	case r.state == overdue:
	case clientMethods[r.message.Method] == filter:
		c.listed(ctx, r, m)
	default:
		c.client(answer)
	}
}

// listed filters away from the reading loop: the first list may have to wait
// until policy is loaded. The answer is due even when the client has closed
// its side meanwhile.
func (c *Conversation) listed(ctx context.Context, r *request, m *wire.Message) {
	started := c.begin(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTime)
		defer cancel()
		answer, err := c.Gate.list(ctx, m)
		if err != nil {
			c.Event(classUpstream, "the list of tools was withheld: "+err.Error())
			answer = wire.ErrorResponse(r.message.ID, codeInternal, "ecs-mcp-proxy: the list of tools cannot be filtered, so it is withheld", nil)
		}
		c.client(answer)
	})
	if !started {
		c.client(c.lost(r, "the conversation ended before the list could be filtered"))
	}
}

// describe says what kind of answer it was. The ECS server reports AWS's
// refusals inside ordinary results, so they are looked for.
func describe(m *wire.Message) (class, note string) {
	switch {
	case m.Error != nil:
		class = classToolError
	case m.IsToolError():
		class = classToolError
	default:
		class = classAnswered
	}
	if bytes.Contains(m.Raw, []byte("AccessDenied")) {
		note = "the answer mentions AccessDenied: AWS refused a request of the server"
	}
	return class, note
}

// serverRequest relays what a server may ask its client and refuses the rest.
func (c *Conversation) serverRequest(m *wire.Message) {
	why := ""
	switch {
	case serverMethods[m.Method] != relay:
		why = "is not in the table"
	case c.kept.Load().Mentions(m):
		why = "names what policy keeps from the client"
	case !c.inflight.asked(m.ID):
		why = "has the id of another that is not answered yet, or too many are not"
	default:
		c.client(m.Raw)
		return
	}
	c.Event(classMethod, fmt.Sprintf("the server's request %q %s; refused", short(m.Method), why))
	c.server(wire.ErrorResponse(m.ID, codeMethodNotFound, "ecs-mcp-proxy: this request is not relayed", nil))
}
