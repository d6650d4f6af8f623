package mcp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/redact"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// drainTime is how long requests in flight may take when the client has closed
// its side: a piped script still gets its answers, a host that quits waits little.
const drainTime = 5 * time.Second

// Conversation relays between one client and the servers of its session, and
// lets the gate judge what must be judged.
type Conversation struct {
	Gate   *Gate
	Limits wire.Limits
	Log    *zap.Logger
	// Start starts a server, or connects to it, with these means of coming by
	// credentials beside what every server gets.
	Start func(lane int, means grant.Means) (Process, error)
	// Headers are those that came with a request over HTTP and repeat its arguments;
	// nil for none. HeadersTravel: its server sees those that came, and says itself
	// which are missing.
	Headers       func(wire.Key) http.Header
	HeadersTravel bool

	ctx        context.Context // of Run
	running    chan struct{}   // closed when Run has begun
	never      chan struct{}   // closed when it will not
	over       chan struct{}   // closed when the session's first server has ended for good
	toClient   Peer
	inflight   *inflight
	greeting   greeting
	noises     limiter
	ending     sync.Once
	called     atomic.Bool
	answered   atomic.Bool                     // a server has answered a request
	leaving    atomic.Bool                     // a server that ends is not started again
	kept       atomic.Pointer[redact.Redactor] // what is kept from the client by any call so far
	hungUp     chan struct{}                   // closed when the client says no more, or takes no more
	clientGone func()                          // closes it
	questions  questions

	links sync.WaitGroup // of what watches servers

	mu      sync.Mutex
	ended   bool // nothing more is judged
	judging sync.WaitGroup
}

// NewConversation returns a conversation without a gate; it must be set before
// Run, with lanes that are opened by [Conversation.Open].
func NewConversation(limits wire.Limits, log *zap.Logger, start func(lane int, means grant.Means) (Process, error)) *Conversation {
	c := &Conversation{Limits: limits, Log: log, Start: start, running: make(chan struct{}), never: make(chan struct{}), over: make(chan struct{}),
		hungUp: make(chan struct{}), inflight: newInflight()}
	c.clientGone = sync.OnceFunc(func() { close(c.hungUp) })
	return c
}

// Close ends the servers of a conversation that is not going to run.
func (c *Conversation) Close(lanes *lane.Pool) {
	select {
	case <-c.running:
	default:
		close(c.never)
	}
	lanes.Close()
}

// Called reports whether a call was ever forwarded to a server.
func (c *Conversation) Called() bool { return c.called.Load() }

// Leave lets the session end with its first server, however that ends.
func (c *Conversation) Leave() { c.leaving.Store(true) }

// Run is [Conversation.Serve] of a client that is spoken to by lines of bytes.
func (c *Conversation) Run(ctx context.Context, from io.Reader, to io.Writer) error {
	client := c.piped("client", from, to, wire.ReadClient)
	go func() {
		<-client.written
		c.clientGone()
	}()
	err := c.Serve(ctx, client)
	client.flush()
	return err
}

// Serve relays until the first server has ended for good, the context is done, or
// the client has closed a side and its requests are answered. It then ends every
// server, records the outcome of every call that is left as unknown, answers
// what can still be answered, and returns when the servers have ended. The error
// says that the first server could not be started. It may run once.
func (c *Conversation) Serve(ctx context.Context, client Peer) error {
	c.toClient = client
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.ctx = ctx
	c.Gate.compared = c.compared
	close(c.running)
	_, failed := c.Gate.Lanes.First(ctx)
	if failed == nil {
		client.Begin(func(_ []byte, m *wire.Message, err error) { c.fromClient(ctx, m, err) }, c.clientGone)
		select {
		case <-c.over:
		case <-ctx.Done():
		case <-c.hungUp:
			drained, stop := c.inflight.drained()
			waitFor(ctx, drained, c.over)
			stop()
		}
	}
	c.Leave()
	closed := done(c.Gate.Lanes.Close)
	waitFor(ctx, closed, c.over) // what servers still say is passed on
	cancel()
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	waitFor(context.Background(), done(c.judging.Wait), nil)
	c.giveUp(c.inflight.all())
	// What a server left behind may be on its way: taken out of inflight, on
	// record perhaps, and not yet answered.
	waitFor(context.Background(), done(func() { <-closed; c.links.Wait() }), nil)
	client.Close()
	<-closed
	c.links.Wait()
	c.Gate.Tasks.forget(c.Gate)
	return failed
}

// begun waits until Run has begun; false if it never will.
func (c *Conversation) begun() bool {
	select {
	case <-c.running:
		return true
	case <-c.never:
		return false
	}
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
	drained, stop := awake.After(drainTime)
	defer stop()
	select {
	case <-one:
	case <-other:
	case <-ctx.Done():
	case <-drained:
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
	if !c.begun() {
		return
	}
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
func (c *Conversation) refuseMessage(class, message, method string, answer func(seeAll string, data map[string]any) []byte) {
	c.Gate.observer().Decided(class, c.Gate.Caller.Persona)
	id := audit.NewID()
	record := audit.Record{Phase: audit.PhaseRefusal, DecisionID: id, Class: class, Message: message, Input: &audit.Input{Method: short(method)},
		RequestedBy: c.Gate.Caller.Principal.Kind + "/" + c.Gate.Caller.Principal.ID}
	if err := c.Gate.Record.Append(record); err != nil {
		c.Log.Error("a refusal is not on record", zap.Error(err))
	}
	if answer != nil {
		c.client(answer("; to see all of it: "+c.Gate.ShowCommand(id), map[string]any{"decision_id": id, "class": class}))
	}
}

func (c *Conversation) client(line []byte) { c.pass(line, nil) }

// pass is client of a line that was made of m. If it is still m's own, it need not
// be read again.
func (c *Conversation) pass(line []byte, m *wire.Message) {
	if m != nil && (len(line) != len(m.Raw) || &line[0] != &m.Raw[0]) {
		m = nil
	}
	if !c.toClient.Send(line, m) {
		c.Log.Debug("the client does not take messages any more")
	}
}
