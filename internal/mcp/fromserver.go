package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// fromServer treats one line of a server, which is m if it can be read.
func (c *Conversation) fromServer(ctx context.Context, l *link, line []byte, m *wire.Message, err error) {
	if err != nil {
		c.noise(l, err, len(line))
		return
	}
	if talk := l.greeted.Load(); talk != nil {
		talk.take(l, m)
		return
	}
	if m.Kind != wire.Response && m.About.IsZero() {
		m.About = c.inflight.only(l)
	}
	switch m.Kind {
	case wire.Response:
		c.serverResponse(ctx, l, m)
	case wire.Notification:
		if m.Method == "notifications/tools/list_changed" {
			l.offer.set(nil) // what it offers now is not known
		}
		if m.Method == "notifications/cancelled" {
			if l.shown(m.RequestID).IsOwn() {
				c.Event(classUpstream, "the server withdrew a question of the proxy's; dropped")
				return
			}
			c.inflight.answered(l.shown(m.RequestID)) // MCP wants no answer any more
		}
		if l.lane > 0 && strings.HasSuffix(m.Method, "/list_changed") {
			return // lane 0 says so too, and it is lane 0 whose lists the client has
		}
		var told *task
		if m.TellsOfTask() {
			if told = c.Gate.Tasks.has(c.Gate, l, m.Name); told == nil {
				if !c.inflight.begins(l) { // else it may be early, and the client looks itself
					c.Event(classUpstream, fmt.Sprintf("the server told of the task %s, which it did not give this client; dropped", taskDigest(m.Name)))
				}
				return
			}
		}
		if c.kept.Load().Mentions(m) {
			c.Event(classPolicy, fmt.Sprintf("the server's notification %q names what policy keeps from the client; dropped", short(m.Method)))
			return
		}
		if told != nil {
			said, final := m.Told()
			c.saw(told, said, final, 0)
		}
		c.pass(l.showCancelled(m), m)
		if m.Method == acknowledged {
			c.agreed(l, m)
		}
	default:
		c.serverRequest(l, m)
	}
}

// noise drops what is not a message. If it carries the id of a call, that call
// has been answered, but not in a way that can be passed on.
func (c *Conversation) noise(l *link, err error, size int) {
	var unread *wire.Error
	if errors.As(err, &unread) && !unread.ID.IsZero() && unread.Answer {
		if r := c.inflight.answeredBy(l, unread.ID); r != nil {
			c.unpassable(r, err)
			return
		}
	}
	if errors.Is(err, wire.ErrTooLong) {
		c.Event(classUpstream, fmt.Sprintf("the server wrote a line of more than %d bytes that answers no request; dropped", c.Limits.Bytes))
		return
	}
	c.Event(classUpstream, fmt.Sprintf("the server wrote %d bytes that are not a message: %s; dropped", size, err))
}

// unpassable ends a request whose answer cannot be passed on.
func (c *Conversation) unpassable(r *request, err error) {
	if r.own != nil {
		r.own <- nil
		return
	}
	class, detail, answer := classUpstream, "the answer cannot be read: "+err.Error(), c.lost(r, "the server's answer cannot be read")
	if errors.Is(err, wire.ErrTooLong) {
		class, detail, answer = classWithheld, "the answer is longer than limits.message_bytes allows, so it was withheld", c.withheld(r)
	}
	if r.call != nil {
		c.outcome(r, class, detail)
	} else if r.task != nil && class == classWithheld && c.Gate.Tasks.ended(r.task, aResult) { // only the answer of its call is so long
		c.taskOutcome(r.task, class, detail, 0, nil)
	}
	if r.state == forwarded {
		c.client(answer)
	}
}

// serverResponse settles the request it answers; an answer to nothing is dropped.
func (c *Conversation) serverResponse(ctx context.Context, l *link, m *wire.Message) {
	r := c.inflight.answeredBy(l, m.ID)
	if r == nil {
		c.Event(classUpstream, "the server answered a request that is not in flight; dropped")
		if m.Created() != nil && c.Gate.endsWithTask(l) { // to a call that was lent nothing, and was given up on
			l.Kill()
		}
		return
	}
	c.answered.Store(true)
	if r.own != nil {
		r.own <- m
		return
	}
	c.greeting.heard(r.message, m)
	answer, ends := m.Raw, false
	if r.call != nil {
		r.until = time.Now()
		class, note, refused := describe(m)
		r.refused = refused
		answer, r.redacted = r.call.redact.Response(m)
		if why := l.unanswered(m); why != "" {
			class, note = classUpstream, why
			if r.redacted == 0 { // else they are the server's words
				answer = c.failed(r, why)
			}
			r.call.hold.Broken()
		}
		if handle := m.Created(); handle != nil {
			answer, r.redacted = r.call.redact.Polled(m)
			answer, class, note, ends = c.handedOut(l, r, handle, answer)
		}
		if r.state == overdue {
			class, note = classTimeout, "answered after its deadline, when the client had been told that the outcome is unknown"
		}
		if ends && c.begin(func() {
			l.Kill()
			<-l.Done() // before anybody else has its turn
			c.outcome(r, class, note)
			c.answer(r, answer, m)
		}) {
			return
		}
		c.outcome(r, class, note)
	}
	if r.task != nil {
		answer = c.followed(l, r, m)
	}
	switch r.message.Method {
	case "tools/list":
		c.listed(ctx, l, r, m)
	case "tasks/list":
		c.client(c.tasksListed(l, r, m))
	default:
		c.answer(r, answer, m)
	}
}

// answer passes the answer to a request on, which was made of m, unless its client
// was answered already.
func (c *Conversation) answer(r *request, answer []byte, m *wire.Message) {
	if r.state != overdue {
		c.pass(answer, m)
	}
}

// listed filters away from the reading loop: the first list may have to wait
// until policy is loaded. The answer is due even when the client has closed
// its side meanwhile.
func (c *Conversation) listed(ctx context.Context, l *link, r *request, m *wire.Message) {
	started := c.begin(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTime)
		defer cancel()
		answer, err := c.Gate.list(ctx, c.greeting.speaks(r.message), m, func(list *wire.ToolList) { l.offer.shown(r.message, list) })
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

// serverRequest relays what a server may ask its client and refuses the rest.
func (c *Conversation) serverRequest(l *link, m *wire.Message) {
	why := ""
	switch {
	case serverMethods[m.Method] != relay:
		why = "is not in the table"
	case c.kept.Load().Mentions(m):
		why = "names what policy keeps from the client"
	case !c.inflight.ask(l, m):
		why = "has an id that is not its to use, or that of another that is not answered yet, or too many are not"
	default:
		c.pass(l.show(m), m)
		return
	}
	c.Event(classMethod, fmt.Sprintf("the server's request %q %s; refused", short(m.Method), why))
	l.Send(wire.ErrorResponse(m.ID, codeMethodNotFound, "ecs-mcp-proxy: this request is not relayed", nil))
}
