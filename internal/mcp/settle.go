package mcp

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// restarts is how often in a row the session's first server may fail to start
// again before the session ends.
const restarts = 5

// serverEnded settles what a server leaves behind, and starts the session's
// first one again unless it ended of its own accord.
func (c *Conversation) serverEnded(l *link, clean bool) {
	c.giveUp(c.inflight.of(l))
	if l.lane > 0 || !l.ready {
		return
	}
	if !clean && !c.leaving.Load() && c.answered.Load() {
		c.Event(classUpstream, "the server ended; it is started again")
		if c.begin(c.restart) {
			return
		}
	}
	c.end()
}

// restart starts the first server again.
func (c *Conversation) restart() {
	for range restarts {
		_, err := c.Gate.Lanes.First(c.ctx)
		if err == nil || c.ctx.Err() != nil {
			return
		}
		c.Log.Warn("the server could not be started again", zap.Error(err))
	}
	c.Event(classUpstream, fmt.Sprintf("the server could not be started again %d times; the session ends", restarts))
	c.end()
}

// end ends the session.
func (c *Conversation) end() {
	c.leaving.Store(true)
	c.ending.Do(func() { close(c.over) })
}

// giveUp settles requests whose server is gone: each forwarded call gets its
// outcome, and then each request one answer.
func (c *Conversation) giveUp(requests []*request) {
	var answers [][]byte
	for _, r := range requests {
		if r.own != nil {
			continue // whoever asked sees that the server ended
		}
		if r.call != nil {
			c.outcome(r, classUpstream, "the server ended before it answered; the outcome is unknown")
		}
		if r.state != overdue && !r.cancelled {
			answers = append(answers, c.lost(r, "the ECS MCP server ended before it answered"))
		}
	}
	waitFor(context.Background(), done(func() {
		for _, answer := range answers {
			c.client(answer)
		}
	}), nil)
}

// lost is the answer for a request whose own answer will not come.
func (c *Conversation) lost(r *request, why string) []byte {
	if r.call == nil {
		return wire.ErrorResponse(r.message.ID, codeInternal, "ecs-mcp-proxy: "+why, nil)
	}
	text := fmt.Sprintf("ecs-mcp-proxy: %s. The outcome is unknown: the call may have taken effect, and it was not repeated. Look before you try again.\nDecision %s; to see all of it: %s",
		why, r.call.id, c.Gate.ShowCommand(r.call.id))
	if toldInResult(r.message) {
		return wire.ToolError(r.message.ID, text, nil, r.message.ModernVersion)
	}
	return wire.ErrorResponse(r.message.ID, codeInternal, text, map[string]string{"decision_id": r.call.id})
}

// failed is the answer for a call that its server did not answer, and why is not
// for the server to say.
func (c *Conversation) failed(r *request, why string) []byte {
	text := fmt.Sprintf("ecs-mcp-proxy: %s.\nDecision %s; to see all of it: %s", why, r.call.id, c.Gate.ShowCommand(r.call.id))
	if toldInResult(r.message) {
		return wire.ToolError(r.message.ID, text, nil, r.message.ModernVersion)
	}
	return wire.ErrorResponse(r.message.ID, codeInternal, text, map[string]string{"decision_id": r.call.id})
}

// outcome writes the second line of a call. The call has happened, so a record
// that cannot be written is said loudly and refuses the next call, not this answer.
func (c *Conversation) outcome(r *request, class, message string) {
	if l, ok := r.server.(*link); ok && l.working(r.message.ID) {
		r.call.hold.Lost()
	}
	draws, refused := r.call.hold.Release()
	if r.call.resolution.Write {
		c.Gate.Facts.Forget()
	}
	if r.until.IsZero() {
		r.until = time.Now()
	}
	took := r.until.Sub(r.since)
	c.Gate.observer().Answered(class)
	c.Gate.stage(r.call.trace, StageUpstream, r.since, r.until)
	err := c.Gate.Record.Append(audit.Record{Phase: audit.PhaseOutcome, DecisionID: r.call.id, Class: class, Message: message,
		Millis: float64(took.Microseconds()) / 1000, Draws: draws, DrawsRefused: refused, Redacted: r.redacted, AWS: r.refused})
	if err != nil {
		c.Log.Error("the outcome of a call is not on record", zap.String("decision_id", r.call.id), zap.Error(err))
	}
	c.Gate.stage(r.call.trace, StageAnswer, r.until, time.Now())
	if r.call.trace != nil {
		r.call.trace.End(class)
	}
}
