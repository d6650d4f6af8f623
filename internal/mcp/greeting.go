package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// greetTime bounds how long a server may take to be initialized again: the real
// one waits a minute for a network that swallows packets.
const greetTime = 2 * time.Minute

// greeting is what the client told the session's first server about itself. It
// is said again, byte for byte, to every other server of the session and to one
// that is started anew; their answers are swallowed. A session of MCP
// 2026-07-28 has no initialize, so there is nothing to repeat.
type greeting struct {
	mu          sync.Mutex
	pending     chan struct{} // closed when the client's initialize is answered; nil before it
	initialize  []byte
	version     string // that the first server answered
	elicits     bool   // the client says that it can ask its user
	changes     bool   // it says that its list of tools may change
	taskless    bool   // it says nothing of tasks
	initialized []byte // the notification
	level       []byte // the last logging/setLevel
}

// asked notes that the client's initialize is under way.
func (g *greeting) asked(request *wire.Message) {
	if request.Method != "initialize" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending = make(chan struct{})
}

// settled waits for the answer to an initialize that is under way: a client may
// send calls behind it without waiting.
func (g *greeting) settled(ctx context.Context) error {
	g.mu.Lock()
	pending := g.pending
	g.mu.Unlock()
	if pending == nil {
		return nil
	}
	select {
	case <-pending:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the session's own initialize is not answered: %w", errGreeting, ctx.Err())
	}
}

// heard keeps what of a session's first server's answered requests others must be told.
func (g *greeting) heard(request, answer *wire.Message) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if request.Method == "initialize" && g.pending != nil {
		defer close(g.pending)
		g.pending = nil
	}
	if answer.Error != nil {
		return
	}
	switch request.Method {
	case "initialize":
		g.taskless = !wire.ServesTasks(answer)
		g.initialize, g.version, g.elicits = request.Raw, versionOf(answer), wire.Elicits(request.Capabilities)
		var result struct {
			Capabilities struct {
				Tools struct {
					ListChanged bool `json:"listChanged"`
				} `json:"tools"`
			} `json:"capabilities"`
		}
		g.changes = json.Unmarshal(answer.Result, &result) == nil && result.Capabilities.Tools.ListChanged
	case "server/discover":
		g.taskless = !wire.ServesTasks(answer)
	case "logging/setLevel":
		g.level = request.Raw
	}
}

// noted keeps the notification that ends the greeting.
func (g *greeting) noted(m *wire.Message) {
	if m.Method != "notifications/initialized" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.initialized = m.Raw
}

// listChanged reports whether the client was told that the list of tools may change.
func (g *greeting) listChanged() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changes
}

// speaks is the version of the protocol that a request is of: the session's, where
// there is one.
func (g *greeting) speaks(request *wire.Message) string {
	if request.ModernVersion {
		return request.Version
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.version
}

// hasNoTasks reports whether the server said what it can do, and nothing of tasks.
func (g *greeting) hasNoTasks() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taskless
}

// canElicit reports whether the client can be asked to ask its user: it says so, in
// a version of MCP that has the words for it.
// Source: MCP 2025-06-18, elicitation; the versions before it have none.
func (g *greeting) canElicit() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.elicits && g.version >= "2025-06-18"
}

// greeted is a greeting under way: the answers of the server come here.
type greeted struct{ answers chan *wire.Message }

var errGreeting = errors.New("initialize it again")

// Open starts the server of a lane and returns when it is ready for calls. It is what the
// session's lanes are opened by.
func (c *Conversation) Open(ctx context.Context, index int, means grant.Means) (lane.Server, error) {
	if index > 0 {
		if err := c.greeting.settled(ctx); err != nil {
			return nil, err
		}
	}
	process, err := c.Start(index, means)
	if err != nil {
		return nil, err
	}
	l := c.connect(index, process)
	defer close(l.opened)
	if err := c.greeting.repeat(ctx, l, c.Limits); err != nil {
		l.Kill()
		<-l.Done()
		return nil, err
	}
	l.ready = true
	return l, nil
}

// repeat says the greeting to a server that has not heard it.
func (g *greeting) repeat(ctx context.Context, l *link, limits wire.Limits) error {
	g.mu.Lock()
	initialize, version, initialized, level := g.initialize, g.version, g.initialized, g.level
	g.mu.Unlock()
	if initialize == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	talk := &greeted{make(chan *wire.Message, 8)}
	l.greeted.Store(talk)
	defer l.greeted.Store(nil)
	answer, err := talk.ask(ctx, l, initialize, limits)
	if err != nil {
		return err
	}
	if got := versionOf(answer); got != version {
		return fmt.Errorf("%w: it speaks protocol version %q and the first one %q", errGreeting, got, version)
	}
	if initialized != nil {
		l.Send(initialized)
	}
	if level == nil {
		return nil
	}
	_, err = talk.ask(ctx, l, level, limits)
	return err
}

// ask sends a request and waits for its answer.
func (t *greeted) ask(ctx context.Context, l *link, raw []byte, limits wire.Limits) (*wire.Message, error) {
	request, err := wire.ReadClient(raw, limits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errGreeting, err) // it was read before
	}
	if !l.Send(raw) {
		return nil, fmt.Errorf("%w: it ended", errGreeting)
	}
	for {
		select {
		case m := <-t.answers:
			switch {
			case m.ID.Key() != request.ID.Key():
			case m.Error != nil:
				return nil, fmt.Errorf("%w: it refused %s: %s", errGreeting, request.Method, errorText(m))
			default:
				return m, nil
			}
		case <-l.read:
			return nil, fmt.Errorf("%w: it ended", errGreeting)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: no answer to %s: %w", errGreeting, request.Method, ctx.Err())
		}
	}
}

// take takes a message of a server that is being greeted: answers are swallowed,
// and the rest is about nothing that the client knows of.
func (t *greeted) take(l *link, m *wire.Message) {
	switch m.Kind {
	case wire.Response:
		select {
		case t.answers <- m:
		default: // more answers than questions
		}
	case wire.Request:
		l.Send(wire.ErrorResponse(m.ID, codeMethodNotFound, "ecs-mcp-proxy: the session is not ready", nil))
	}
}

// errorText is what an error says; at most so much that it can be put on record.
func errorText(m *wire.Message) string {
	var failed struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(m.Error, &failed) != nil {
		return "" // it is no object, or its message is no text
	}
	const most = 1000
	if len(failed.Message) > most {
		return strings.ToValidUTF8(failed.Message[:most], "") + "…"
	}
	return failed.Message
}

// versionOf is the protocol version in an answer to initialize.
func versionOf(answer *wire.Message) string {
	var result struct {
		ProtocolVersion string `json:"protocolVersion"`
	}
	if json.Unmarshal(answer.Result, &result) != nil {
		return ""
	}
	return result.ProtocolVersion
}
