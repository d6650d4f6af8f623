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

// fromClient treats one line of the client. It never waits for a decision: a
// call that is being judged does not hold back the messages after it.
func (c *Conversation) fromClient(ctx context.Context, line []byte, err error) {
	var m *wire.Message
	if err == nil {
		m, err = wire.ReadClient(line, c.Limits)
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

// unreadable answers what has no single reading. It was not forwarded.
func (c *Conversation) unreadable(err error) {
	code, id := wire.CodeParse, wire.ID{}
	var unread *wire.Error
	if errors.As(err, &unread) {
		code, id = unread.Code, unread.ID
	}
	c.refuseMessage(classUnreadable, err.Error(), "", func(seeAll string, data any) []byte {
		return wire.ErrorResponse(id, code, "ecs-mcp-proxy: "+err.Error()+seeAll, data)
	})
}

func (c *Conversation) clientRequest(ctx context.Context, m *wire.Message) {
	treatment := treatmentOf(m)
	if treatment == refuse || treatment == handled {
		why := fmt.Sprintf("method %q is not relayed", short(m.Method))
		c.refuseMessage(classMethod, why, m.Method, func(seeAll string, data any) []byte {
			return wire.ErrorResponse(m.ID, codeMethodNotFound, "ecs-mcp-proxy: "+why+seeAll, data)
		})
		return
	}
	judged, cancel := context.WithCancel(ctx)
	r := &request{message: m, cancel: cancel}
	if err := c.inflight.add(r); err != nil {
		cancel()
		c.refuseMessage(classInFlight, err.Error(), m.Method, func(seeAll string, data any) []byte {
			return wire.ErrorResponse(m.ID, codeInvalidRequest, "ecs-mcp-proxy: "+err.Error()+seeAll, data)
		})
		return
	}
	if treatment == decide {
		if !c.begin(func() { defer cancel(); c.decide(judged, r) }) {
			cancel() // giveUp answers
		}
		return
	}
	cancel()
	c.inflight.forward(r, nil, nil)
	c.server(r.message.Raw)
}

// decide lets the gate judge and forwards what it admits.
func (c *Conversation) decide(ctx context.Context, r *request) {
	m := r.message
	call, id, err := c.Gate.admit(ctx, m)
	if err != nil {
		c.warn(classify(err), id)
		if c.inflight.drop(r) {
			c.client(c.Gate.answer(m, classify(err), id))
		}
		return
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	if ctx.Err() != nil || !c.inflight.forward(r, call, func() { c.deadline(r) }) {
		c.outcome(&request{message: m, call: call, since: time.Now()}, classCancelled, "cancelled; it was not forwarded")
		return // cancelled by the client, or left to giveUp
	}
	c.called.Store(true)
	c.keep(call.redact)
	c.server(r.message.Raw)
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
	if r.call.hold.Abandon() && c.inflight.settle(r.message.ID, overdue) == r {
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
	c.server(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":%s}`, params))
}

func (c *Conversation) clientNotification(m *wire.Message) {
	switch treatmentOf(m) {
	case relay:
		c.server(m.Raw)
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
	if r.call != nil && r.call.hold.Abandon() && c.inflight.settle(m.RequestID, forwarded) == r {
		c.outcome(r, classCancelled, "cancelled by the client; it was lent nothing")
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	c.server(m.Raw)
}

// clientResponse passes on the answer to a question the server asked.
func (c *Conversation) clientResponse(m *wire.Message) {
	if !c.inflight.answered(m.ID) {
		c.refuseMessage(classUnreadable, "an answer to nothing the server asked; dropped", "", nil)
		return
	}
	c.server(m.Raw)
}
