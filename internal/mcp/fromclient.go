package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// fromClient treats one message of the client. It never waits for a decision: a
// call that is being judged does not hold back the messages after it.
func (c *Conversation) fromClient(ctx context.Context, m *wire.Message, err error) {
	if err == nil {
		m, err = c.tellMeta(m)
	}
	if err != nil {
		c.unreadable(err)
		return
	}
	switch m.Kind {
	case wire.Response:
		c.clientResponse(m)
	case wire.Notification:
		c.clientNotification(m)
	default:
		c.clientRequest(ctx, m)
	}
}

// tellMeta puts into _meta what the catalogue says that its server is told there.
func (c *Conversation) tellMeta(m *wire.Message) (*wire.Message, error) {
	set := c.Gate.Catalog.Meta(c.Gate.Caller.Env)
	if len(set) == 0 || m.Kind == wire.Response {
		return m, nil
	}
	line, err := m.WithMeta(set)
	if err != nil {
		return nil, err
	}
	return wire.ReadClient(line, c.Limits)
}

// unreadable answers what has no single reading. It was not forwarded.
func (c *Conversation) unreadable(err error) {
	code, id := wire.CodeParse, wire.ID{}
	var unread *wire.Error
	if errors.As(err, &unread) {
		code, id = unread.Code, unread.ID
	}
	c.refuseMessage(classUnreadable, err.Error(), "", func(seeAll string, data map[string]any) []byte {
		return wire.ErrorResponse(id, code, "ecs-mcp-proxy: "+err.Error()+seeAll, data)
	})
}

func (c *Conversation) clientRequest(ctx context.Context, m *wire.Message) {
	treatment := treatmentOf(m)
	known := treatment != refuse && treatment != handled
	if !known || m.HasTask && m.Method != "tools/call" {
		why := fmt.Sprintf("method %q is not relayed", short(m.Method))
		if known { // its work would go on unjudged
			why += " with params.task"
		}
		c.refuseMessage(classMethod, why, m.Method, func(seeAll string, data map[string]any) []byte {
			return wire.ErrorResponse(m.ID, codeMethodNotFound, "ecs-mcp-proxy: "+why+seeAll, data)
		})
		return
	}
	about, strange := c.about(m, treatment)
	if strange != nil {
		c.refuseTask(m, treatment, *strange)
		return
	}
	judged, cancel := context.WithCancel(ctx)
	r := &request{message: m, task: about, cancel: cancel}
	if err := c.inflight.add(r); err != nil {
		cancel()
		if errors.Is(err, errLate) {
			for _, server := range c.inflight.owing() {
				server.Kill()
			}
		}
		c.refuseMessage(classInFlight, err.Error(), m.Method, func(seeAll string, data map[string]any) []byte {
			return wire.ErrorResponse(m.ID, codeInvalidRequest, "ecs-mcp-proxy: "+err.Error()+seeAll, data)
		})
		return
	}
	c.greeting.asked(m)
	var work func()
	switch {
	case treatment == decide:
		work = func() { c.decide(judged, r) }
	case treatment == follow:
		work = func() { c.follow(judged, r) }
	case len(m.Resources) > 0:
		work = func() { c.subscribe(judged, r) }
	case c.relayNow(r, treatment):
		cancel()
		return
	default:
		work = func() { c.relayLater(judged, r, treatment) }
	}
	if !c.begin(func() { defer cancel(); work() }) {
		cancel() // giveUp answers
	}
}

// decide lets the gate judge and forwards what it admits.
func (c *Conversation) decide(ctx context.Context, r *request) {
	m := r.message
	call, id, err := c.Gate.admit(ctx, m, c.tell(m), c.elicitor(m))
	if err != nil {
		var answer []byte
		if question, asks := errors.AsType[*asking](err); asks {
			answer = question.answer
		} else {
			c.warn(classify(err), id)
			answer = c.Gate.answer(m, classify(err), id)
		}
		if c.inflight.drop(r) {
			c.client(answer)
		}
		return
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	server := call.hold.Server()
	if ctx.Err() != nil || !c.inflight.forward(r, server, nil, call, func() { c.deadline(r) }) {
		c.outcome(&request{message: m, call: call, since: time.Now()}, classCancelled, "cancelled; it was not forwarded")
		return // cancelled by the client, or left to giveUp
	}
	c.called.Store(true)
	c.keep(call.redact)
	if !pass(server, call.message) {
		<-server.Done() // it will not answer; neither will whoever settled what it left
		c.giveUp(c.inflight.of(server))
	}
}

// tell returns what tells the client that its call waits for a turn; nil if it
// did not ask for progress.
func (c *Conversation) tell(m *wire.Message) func(times int) {
	if m.ProgressToken == nil {
		return nil
	}
	return func(times int) { c.progress(m, times, -9, "waiting for a free ECS MCP server") }
}

// progress reports times at a power of ten: so little that what follows is more, as
// MCP wants it.
func (c *Conversation) progress(m *wire.Message, times, power int, message string) {
	c.client(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":%de%d,"message":%q}}`, m.ProgressToken, times, power, message))
}

// warn tells the operator at once what is wrong with the set-up, not the call.
func (c *Conversation) warn(r *refusal, id string) {
	switch r.class {
	case classPolicy:
		if r.client != unevaluated { // it was decided
			return
		}
		fallthrough
	case classCredentials, classAudit, classInternal:
		c.Log.Warn("a call was refused: "+r.detail, zap.String("class", r.class), zap.String("decision_id", id))
	}
}

// deadline answers a call for a server that did not, and tells the server to stop.
func (c *Conversation) deadline(r *request) {
	expired, tell := c.inflight.expire(r)
	if !expired {
		return
	}
	if r.call.hold.Abandon() && c.inflight.giveUp(r) {
		c.outcome(r, classTimeout, "not answered within its time; it was lent nothing")
	}
	if tell { // last: a client that pauses must not keep the server from being told
		defer c.client(c.lost(r, "the server did not answer in time"))
	}
	params, err := json.Marshal(map[string]any{"requestId": json.RawMessage(r.message.ID.Raw()), "reason": "deadline exceeded"})
	if err != nil {
		c.Log.Error("write cancellation", zap.Error(err))
		return
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	r.server.Send(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":%s}`, params))
}

func (c *Conversation) clientNotification(m *wire.Message) {
	if _, strange := c.about(m, treatmentOf(m)); strange != nil {
		c.refuseMessage(classUnknownTask, c.whose(*strange)+"; dropped", m.Method, nil)
		return
	}
	switch treatmentOf(m) {
	case relay:
		c.relayNotification(m)
	case handled:
		c.cancelled(m)
	default:
		c.refuseMessage(classMethod, fmt.Sprintf("notification %q is not relayed; dropped", short(m.Method)), m.Method, nil)
	}
}

// cancelled ends a call that is being judged here; one that was forwarded
// loses its lease at once and keeps its turn until its own answer.
func (c *Conversation) cancelled(m *wire.Message) {
	// Settled first: MCP wants no answer to a request that was cancelled.
	if r := c.inflight.settle(m.RequestID, deciding); r != nil {
		r.cancel()
		return
	}
	r := c.inflight.cancel(m.RequestID)
	if r == nil {
		return // settled already: the usual race, nothing to tell the server
	}
	if r.call != nil && r.call.hold.Abandon() && c.inflight.giveUp(r) {
		c.outcome(r, classCancelled, "cancelled by the client; it was lent nothing")
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	r.server.Send(m.Raw)
}

// clientResponse passes on the answer to a question the server asked.
func (c *Conversation) clientResponse(m *wire.Message) {
	if m.ID.IsOwn() {
		c.elicited(m)
		return
	}
	q := c.inflight.answered(m.ID)
	if q == nil {
		c.refuseMessage(classUnreadable, "an answer to nothing the server asked; dropped", "", nil)
		return
	}
	q.server.Send(m.Rename(func(wire.ID) wire.ID { return q.id }))
}
