package mcp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// maxPages bounds a list of tools that the proxy itself asks for.
const maxPages = 100

// offer is the tools that one server has shown, so that none is called that was
// not compared with its pin, whoever asked for the list.
type offer struct {
	asking chan struct{} // holds one token while the proxy asks

	mu    sync.Mutex
	tools map[string][]wire.Parameter // what headers repeat, by name; nil: they are not known
}

func newOffer() *offer { return &offer{asking: make(chan struct{}, 1)} }

// known reports whether the server's tools are known, and this one is among them.
func (o *offer) known(name string) (parameters []wire.Parameter, known, offered bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	parameters, offered = o.tools[name]
	return parameters, o.tools != nil, offered
}

func (o *offer) set(tools map[string][]wire.Parameter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tools = tools
}

// shown takes a list that the client asked for; one page of several is not all.
func (o *offer) shown(request *wire.Message, list *wire.ToolList) {
	if list.Next == "" && !request.HasCursor {
		o.set(byName(list, map[string][]wire.Parameter{}))
	}
}

func byName(list *wire.ToolList, all map[string][]wire.Parameter) map[string][]wire.Parameter {
	for _, tool := range list.Tools {
		all[tool.Name] = tool.Parameters()
	}
	return all
}

// compared makes sure, before a tool is called, that this very server has
// shown it, and that it says what it is pinned to say. A client need not ask for the
// list, and not every server of a session is asked: the proxy then asks itself.
// Without a server, for the call gets one of its own with its grant, it is the
// session's first, which is of the same command or at the same URL.
// Headers that repeat arguments must agree with them.
func (c *Conversation) compared(ctx context.Context, server lane.Server, m *wire.Message) (err error) {
	var headers http.Header
	if c.Headers != nil && m.ModernVersion {
		headers = c.Headers(m.ID.Key())
	}
	repeated := c.Headers != nil && m.ModernVersion && (len(headers) > 0 || !c.HeadersTravel)
	if m.Method != "tools/call" || !repeated && !c.Gate.Pins.holds(m.Name) {
		return nil
	}
	if server == nil {
		if server, err = c.Gate.Lanes.First(ctx); err != nil {
			return silent(err)
		}
	}
	l, ok := server.(*link)
	if !ok {
		return silent(errAsked)
	}
	parameters, known, offered := l.offer.known(m.Name)
	if !known {
		if err := c.inquire(ctx, l, m); err != nil {
			return silent(err)
		}
		parameters, _, offered = l.offer.known(m.Name)
	}
	if err := c.Gate.unchanged(m.Name); err != nil {
		return err
	}
	if !offered {
		return &refusal{classToolChanged, "the server does not list this tool any more", "the tool changed: the server does not list it"}
	}
	if !repeated {
		return nil
	}
	return agrees(m, parameters, headers)
}

// silent refuses a call of a server that does not say which tools it has.
func silent(err error) *refusal {
	return &refusal{classUpstream, "the ECS MCP server does not say which tools it has, so none is called; try again", err.Error()}
}

// inquire asks a server for all its tools, once, and pins them.
func (c *Conversation) inquire(ctx context.Context, l *link, m *wire.Message) error {
	select {
	case l.offer.asking <- struct{}{}:
		defer func() { <-l.offer.asking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, known, _ := l.offer.known(""); known {
		return nil // meanwhile
	}
	tools, cursor := map[string][]wire.Parameter{}, ""
	for range maxPages {
		answer, err := c.ask(ctx, l, listRequest(m, cursor))
		if err != nil {
			return err
		}
		list, err := wire.Tools(answer)
		if err != nil {
			return err
		}
		if err := c.Gate.pin(c.greeting.speaks(m), list); err != nil {
			return err
		}
		tools = byName(list, tools)
		if cursor = list.Next; cursor == "" {
			l.offer.set(tools)
			return nil
		}
	}
	return fmt.Errorf("its list of tools has more than %d pages", maxPages)
}

// listRequest is a tools/list in the protocol version of a call.
func listRequest(m *wire.Message, cursor string) []byte {
	params := map[string]any{}
	if cursor != "" {
		params["cursor"] = cursor
	}
	if m.ModernVersion {
		params["_meta"] = map[string]any{"io.modelcontextprotocol/protocolVersion": m.Version, "io.modelcontextprotocol/clientCapabilities": map[string]any{},
			"io.modelcontextprotocol/clientInfo": map[string]string{"name": "ecs-mcp-proxy", "version": "1"}}
	}
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": "ecs-mcp-proxy-" + rand.Text(), "method": "tools/list", "params": params})
	if err != nil {
		return nil // strings and maps of them; the reader refuses it
	}
	return b
}

var errAsked = errors.New("ask the server")

// ask sends a request of the proxy's own and waits for its answer, which goes no further.
func (c *Conversation) ask(ctx context.Context, l *link, raw []byte) (*wire.Message, error) {
	m, err := wire.ReadClient(raw, c.Limits)
	if err == nil {
		m, err = c.tellMeta(m)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAsked, err)
	}
	r := &request{message: m, cancel: func() {}, own: make(chan *wire.Message, 1)}
	if err := c.inflight.add(r); err != nil {
		return nil, fmt.Errorf("%w: %w", errAsked, err)
	}
	if !c.inflight.forward(r, l, nil, nil, nil) || !pass(l, m) {
		c.inflight.settle(m.ID, deciding, forwarded)
		return nil, fmt.Errorf("%w: it ended", errAsked)
	}
	select {
	case answer := <-r.own:
		switch {
		case answer == nil:
			return nil, fmt.Errorf("%w: its answer cannot be read", errAsked)
		case answer.Error != nil:
			return nil, fmt.Errorf("%w: it refused %s", errAsked, m.Method)
		}
		return answer, nil
	case <-l.Done():
		return nil, fmt.Errorf("%w: it ended", errAsked)
	case <-ctx.Done():
		c.inflight.settle(m.ID, forwarded)
		return nil, fmt.Errorf("%w: no answer to %s: %w", errAsked, m.Method, ctx.Err())
	}
}
