package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// drainTime is how long requests in flight may take when the client has closed
// its side: a piped script still gets its answers, a host that quits waits little.
const drainTime = 5 * time.Second

// Conversation relays between one client and one server, and lets the gate
// judge what must be judged.
type Conversation struct {
	Gate   *Gate
	Limits wire.Limits
	Log    *zap.Logger

	toClient        *outbox
	toServer        *outbox
	toServerWritten <-chan struct{}
	serverIn        io.Closer
	closing         sync.Once
	inflight        *inflight
	noises          limiter
	called          atomic.Bool
	kept            atomic.Pointer[redact.Redactor] // what is kept from the client by any call so far
	clientGone      func()                          // called when the client does not take what is written

	mu      sync.Mutex
	ended   bool // nothing more is judged
	judging sync.WaitGroup
}

// Called reports whether a call was ever forwarded to the server.
func (c *Conversation) Called() bool { return c.called.Load() }

// Streams are the four ends of a conversation.
type Streams struct {
	FromClient io.Reader
	ToClient   io.Writer
	FromServer io.Reader
	ToServer   io.WriteCloser
}

// Run relays until the server's side ends, the context is done, or the client
// has closed a side and its requests are answered. It then closes ToServer,
// records the outcome of every call that is left as unknown, answers what can
// still be answered, and returns. It waits for nobody longer than a few seconds.
func (c *Conversation) Run(ctx context.Context, s Streams) {
	c.toClient, c.toServer = newOutbox(wire.NewLineWriter(s.ToClient)), newOutbox(wire.NewLineWriter(s.ToServer))
	c.serverIn, c.inflight = s.ToServer, newInflight()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	serverEnded, clientEnded := make(chan struct{}), make(chan struct{})
	c.clientGone = sync.OnceFunc(func() { close(clientEnded) })
	written := done(func() {
		if err := c.toClient.run(); err != nil {
			c.Log.Debug("write to the client", zap.Error(err))
			c.clientGone()
		}
	})
	c.toServerWritten = done(func() {
		if err := c.toServer.run(); err != nil {
			c.Log.Debug("write to the server", zap.Error(err))
		}
	})
	go func() {
		defer close(serverEnded)
		c.read(ctx, "server", s.FromServer, c.fromServer)
	}()
	go func() { // stays in its read if the client keeps its side open; the process ends it
		defer c.clientGone()
		c.read(ctx, "client", s.FromClient, c.fromClient)
	}()

	select {
	case <-serverEnded:
	case <-ctx.Done():
	case <-clientEnded:
		drained, stop := c.inflight.drained()
		waitFor(ctx, drained, serverEnded)
		stop()
		c.closeServer()
		waitFor(ctx, serverEnded, serverEnded)
	}
	c.Gate.Lane.Close()
	cancel()
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	waitFor(context.Background(), done(c.judging.Wait), nil)
	c.closeServer()
	c.giveUp()
	c.toClient.close()
	waitFor(context.Background(), written, nil)
}

// begin starts work that Run waits for; false once Run waits no more.
func (c *Conversation) begin(work func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.judging.Go(work)
	return true
}

// waitFor waits until one of the channels is closed, the context is done, or
// drainTime is over: a client that does not read must not keep the proxy.
func waitFor(ctx context.Context, one, other <-chan struct{}) {
	select {
	case <-one:
	case <-other:
	case <-ctx.Done():
	case <-time.After(drainTime):
	}
}

// done returns a channel that is closed when f has returned.
func done(f func()) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	return ended
}

// closeServer ends the server's input; what is queued still goes out, if the
// server reads.
func (c *Conversation) closeServer() {
	c.closing.Do(func() {
		c.toServer.close()
		waitFor(context.Background(), c.toServerWritten, nil)
		if err := c.serverIn.Close(); err != nil {
			c.Log.Debug("close the server's input", zap.Error(err))
		}
	})
}

// read hands every line to handle until the stream ends.
func (c *Conversation) read(ctx context.Context, side string, from io.Reader, handle func(context.Context, []byte, error)) {
	lines := wire.NewLineReader(from, c.Limits.Bytes)
	for {
		line, err := lines.Next()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			handle(ctx, line, nil)
		case errors.Is(err, wire.ErrTooLong):
			handle(ctx, nil, err)
		default:
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				c.Log.Debug("read from the "+side, zap.Error(err))
			}
			return
		}
	}
}

// giveUp settles what is left when the server is gone: each forwarded call
// gets its outcome, and then each request one answer.
func (c *Conversation) giveUp() {
	var answers [][]byte
	for _, r := range c.inflight.all() {
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
	if r.message.Method == "tools/call" {
		return wire.ToolError(r.message.ID, text, nil, r.message.ModernVersion)
	}
	return wire.ErrorResponse(r.message.ID, codeInternal, text, map[string]string{"decision_id": r.call.id})
}

// outcome writes the second line of a call. The call has happened, so a record
// that cannot be written is said loudly and refuses the next call, not this answer.
func (c *Conversation) outcome(r *request, class, message string) {
	draws, refused := r.call.hold.Release()
	if r.call.resolution.Write {
		c.Gate.Facts.Forget()
	}
	err := c.Gate.Record.Append(audit.Record{Phase: audit.PhaseOutcome, DecisionID: r.call.id, Class: class, Message: message,
		Millis: float64(time.Since(r.since).Microseconds()) / 1000, Draws: draws, DrawsRefused: refused, Redacted: r.redacted})
	if err != nil {
		c.Log.Error("the outcome of a call is not on record", zap.String("decision_id", r.call.id), zap.Error(err))
	}
}

// keep lets nothing that the call's answer must not hold reach the client by
// another way, from now on: a server's notification does not say which call it
// is about, and may come late.
func (c *Conversation) keep(r *redact.Redactor) {
	for r != nil {
		before := c.kept.Load()
		if c.kept.CompareAndSwap(before, before.With(r)) {
			return
		}
	}
}

// Event records something outside of a call. Of many in a short time only the
// first are recorded: a server's noise must not fill the disk.
func (c *Conversation) Event(class, message string) {
	passed, ok := c.noises.pass(time.Now())
	if !ok {
		return
	}
	if passed > 0 {
		message += fmt.Sprintf(" (%d events before it were not recorded)", passed)
	}
	c.Log.Warn(message, zap.String("class", class))
	if err := c.Gate.Record.Append(audit.Record{Phase: audit.PhaseEvent, DecisionID: audit.NewID(), Class: class, Message: message}); err != nil {
		c.Log.Error("an event is not on record", zap.Error(err))
	}
}

// refuseMessage records the refusal of a message that never became a call, and answers it if it can be answered.
// Its answer names the command that shows the record.
func (c *Conversation) refuseMessage(class, message, method string, answer func(seeAll string, data any) []byte) {
	id := audit.NewID()
	record := audit.Record{Phase: audit.PhaseRefusal, DecisionID: id, Class: class, Message: message, Input: &audit.Input{Method: short(method)},
		RequestedBy: c.Gate.Caller.Principal.Kind + "/" + c.Gate.Caller.Principal.ID}
	if err := c.Gate.Record.Append(record); err != nil {
		c.Log.Error("a refusal is not on record", zap.Error(err))
	}
	if answer != nil {
		c.client(answer("; to see all of it: "+c.Gate.ShowCommand(id), map[string]string{"decision_id": id, "class": class}))
	}
}

func (c *Conversation) client(line []byte) {
	if !c.toClient.put(line) {
		c.Log.Debug("the client does not take messages any more")
	}
}

// server queues a line for the server. If it is not taken the server is going,
// and giveUp answers.
func (c *Conversation) server(line []byte) {
	if !c.toServer.put(line) {
		c.Log.Debug("the server does not take messages any more")
	}
}
