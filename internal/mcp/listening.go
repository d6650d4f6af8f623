package mcp

import (
	"encoding/json"
	"fmt"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// methodListen asks for notifications, for as long as it is not answered.
// acknowledged is the first thing that its server says about it, with those that
// it is going to send. Source: MCP 2026-07-28, subscriptions.
const (
	methodListen = "subscriptions/listen"
	acknowledged = "notifications/subscriptions/acknowledged"
)

// PolicyChanged tells the client to ask for the list of tools again, if its
// server told it that lists may change. It does not block.
func (c *Conversation) PolicyChanged() {
	if c.greeting.listChanged() {
		go c.client([]byte(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`))
	}
	if listening := c.inflight.listening(); len(listening) > 0 {
		go func() {
			for _, id := range listening {
				c.client(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":%s}}}`, id))
			}
		}()
	}
}

// agreed notes that a server is going to tell of changes to its list of tools, once
// the client has been told so: nothing may come before that.
func (c *Conversation) agreed(l *link, m *wire.Message) {
	var params struct {
		Notifications struct {
			ToolsListChanged bool `json:"toolsListChanged"`
		} `json:"notifications"`
	}
	if json.Unmarshal(m.Params, &params) == nil && params.Notifications.ToolsListChanged {
		c.inflight.listens(l, m.SubscriptionID)
	}
}

// listens marks the request with that id as one that is told of changes to the list of tools.
func (f *inflight) listens(l *link, id wire.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.client[id.Key()]; r != nil && r.server == l && r.message.Method == methodListen {
		r.listens = true
	}
}

// listening are the ids of the requests that are told of changes to the list of tools.
func (f *inflight) listening() (ids []wire.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.client {
		if r.listens && !r.cancelled {
			ids = append(ids, r.message.ID)
		}
	}
	return ids
}
