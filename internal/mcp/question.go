package mcp

import (
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// question is a request of a server that the client has not answered. Servers
// of one session count their ids alike, so what the client sees of lane k > 0
// has "k:ID" in the place of ID, which is turned back on the way to the server.
// Lane 0 is byte-identical.
type question struct {
	server lane.Server
	id     wire.ID // as the server wrote it
	token  wire.ID // its progress token likewise; zero if it sent none

	shown, shownToken wire.Key // as the client sees them
}

// shown is an id of a server as the client sees it.
func (l *link) shown(id wire.ID) wire.ID {
	if l.lane == 0 {
		return id
	}
	return id.Of(l.lane)
}

// show returns a message of a server as the client is to see it.
func (l *link) show(m *wire.Message) []byte {
	if l.lane == 0 {
		return m.Raw
	}
	return m.Rename(l.shown)
}

// showCancelled is show of a notification. The only ids of a server in one are
// those of its own requests, which it cancels; the token of progress is the client's.
func (l *link) showCancelled(m *wire.Message) []byte {
	if m.Method != "notifications/cancelled" {
		return m.Raw
	}
	return l.show(m)
}

// ask notes a request of a server; false if its id or its progress token is in
// use, or its id is for the proxy's own, or too many requests are not answered.
func (f *inflight) ask(l *link, m *wire.Message) bool {
	q := &question{server: l, id: m.ID, token: m.Token()}
	shown := l.shown(q.id)
	q.shown, q.shownToken = shown.Key(), l.shown(q.token).Key()
	f.mu.Lock()
	defer f.mu.Unlock()
	if shown.IsOwn() || f.server[q.shown] != nil || !q.token.IsZero() && f.tokens[q.shownToken] != nil || len(f.server) >= maxInflight {
		return false
	}
	f.server[q.shown] = q
	if !q.token.IsZero() {
		f.tokens[q.shownToken] = q
	}
	return true
}

// answered takes the request that the client knows by the id off and returns
// it; nil if there is none.
func (f *inflight) answered(shown wire.ID) *question {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := f.server[shown.Key()]
	if q != nil {
		delete(f.server, q.shown)
		delete(f.tokens, q.shownToken)
	}
	return q
}

// progressing returns the request that the client reports progress of; nil if
// there is none.
func (f *inflight) progressing(shown wire.ID) *question {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tokens[shown.Key()]
}
