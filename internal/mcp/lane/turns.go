package lane

import (
	"sync"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// turn says who has a lane.
type turn struct {
	holders   int
	scope     string
	exclusive bool
	abandoned int // holders whose call was given up on
}

// Turns are the turns of lanes. Servers that the proxy did not start have one
// credential endpoint each, whichever session talks to them: their turns are one
// for all sessions. It is safe for concurrent use.
type Turns struct {
	endpoints []*grant.Endpoint // of servers that were not started here

	mu      sync.Mutex
	turns   []*turn
	waiting map[*Pool]bool // those in which a call waits
}

func newTurns(n int) *Turns {
	t := &Turns{waiting: map[*Pool]bool{}}
	for range n {
		t.turns = append(t.turns, &turn{})
	}
	return t
}

// NewTurns returns the turns of servers that draw their credentials from these
// endpoints, one each; an endpoint may be nil. The caller closes them.
func NewTurns(endpoints []*grant.Endpoint) *Turns {
	t := newTurns(len(endpoints))
	t.endpoints = endpoints
	return t
}

// endpoint is the one that the server of a lane has always had; nil if it gets
// a new one with each start.
func (t *Turns) endpoint(lane int) *grant.Endpoint {
	if lane < len(t.endpoints) {
		return t.endpoints[lane]
	}
	return nil
}

// close closes the endpoint of a server that has ended, if it was its own.
func (t *Turns) close(lane int, e *grant.Endpoint) {
	if e != nil && t.endpoint(lane) != e {
		e.Close()
	}
}

// admit gives turns in every session; the caller holds the lock.
func (t *Turns) admit() {
	for p := range t.waiting {
		p.admit()
	}
}
