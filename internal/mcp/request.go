package mcp

import (
	"context"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// state is how far a request of the client has come.
type state int

const (
	deciding  state = iota // being judged; the server has not seen it
	forwarded              // the server has it
	overdue                // the client was answered for the server; its own answer is awaited and dropped
)

// request is one request of the client that is not settled.
type request struct {
	message  *wire.Message
	state    state
	cancel   context.CancelFunc // ends the judging
	call     *admission         // of a decided call, once forwarded
	server   lane.Server        // that it was forwarded to
	hold     *lane.Hold         // of lane 0, of what is relayed in its turn
	since    time.Time          // of forwarding
	until    time.Time          // when the answer came; zero if none did
	timer    *time.Timer        // at the call's deadline
	redacted int                // values taken out of the answer
	task     *task              // that it is about; nil for none
	own      chan *wire.Message // of a request of the proxy's own: takes the answer, nil for one that cannot be read
	refused  []audit.AWSRefusal // what AWS refused, as the answer says
	listens  bool               // its server tells of changes to the list of tools
	// cancelled by the client after it was forwarded: an answer is passed on,
	// but none is made up, because MCP wants none.
	cancelled bool

	// sending is held while the request is forwarded and written, so that a
	// cancellation of it is never written before it.
	sending sync.Mutex
}
