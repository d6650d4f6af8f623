package mcp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// inflight is every unsettled request of the client and of the server. Each
// transition is atomic, so an answer, a cancel and a deadline that come at the
// same instant settle a request once.
type inflight struct {
	mu     sync.Mutex
	client map[wire.Key]*request
	late   map[wire.Key]late
	size   int // of late
	server map[wire.Key]*question
	tokens map[wire.Key]*question // by the progress tokens of the server's requests
	closed bool
	idle   *sync.Cond
}

func newInflight() *inflight {
	f := &inflight{client: map[wire.Key]*request{}, late: map[wire.Key]late{}, server: map[wire.Key]*question{}, tokens: map[wire.Key]*question{}}
	f.idle = sync.NewCond(&f.mu)
	return f
}

var (
	errInUse = errors.New("the id is in use by a request that is not answered yet; use another")
	errEnded = errors.New("the ECS MCP server has ended")
	errMany  = fmt.Errorf("%d requests are not answered yet; wait for some of them", maxInflight)
	errLate  = errors.New("too many requests were given up on that the ECS MCP server never answered; it is started again, try again then")
)

// maxInflight bounds the requests of one side that are not answered yet.
const maxInflight = 256

// add takes a new request. The error is errInUse, errMany, errLate or, after all,
// errEnded. Nothing but the end of the servers that owe answers mends errLate.
func (f *inflight) add(r *request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.message.ID.Key()
	switch {
	case f.closed:
		return errEnded
	case f.client[key] != nil, f.late[key] != late{}:
		return errInUse
	case f.size > maxLate:
		return errLate
	case len(f.client) >= maxInflight && !f.evict():
		return errMany
	}
	f.client[key] = r
	return nil
}

// evict gives up on a relayed request that the client cancelled and the server, as
// MCP lets it, has not answered. The caller holds the lock.
func (f *inflight) evict() bool {
	for _, r := range f.client {
		if r.cancelled && r.call == nil {
			f.spend(r)
			return true
		}
	}
	return false
}

// forward moves a request on to a server, unless it was settled meanwhile.
func (f *inflight) forward(r *request, server lane.Server, hold *lane.Hold, call *admission, onDeadline func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r || r.state != deciding {
		return false
	}
	r.state, r.server, r.hold, r.call, r.since = forwarded, server, hold, call, time.Now()
	if call != nil {
		r.timer = time.AfterFunc(time.Until(call.deadline), onDeadline)
	}
	return true
}

// back undoes forward of a request that could not be sent; false if it was
// settled meanwhile.
func (f *inflight) back(r *request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r {
		return false
	}
	if r.hold != nil {
		r.hold.Release()
	}
	r.state, r.server, r.hold = deciding, nil, nil
	return true
}

// settle removes a request and returns it with the state it was in; nil if
// nothing with that id is in flight. Of a request that is being judged the
// server cannot have the answer, so it is settled only by whoever judges it.
func (f *inflight) settle(id wire.ID, from ...state) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.client[id.Key()]
	if r == nil || !slices.Contains(from, r.state) {
		return nil
	}
	f.remove(id.Key(), r)
	return r
}

// giveUp removes a forwarded request that nobody waits for any more; false if it
// was settled meanwhile.
func (f *inflight) giveUp(r *request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r || r.state == deciding {
		return false
	}
	f.spend(r)
	return true
}

// answeredBy is settle by an answer of a server, which must be the one that the
// request was forwarded to.
func (f *inflight) answeredBy(server lane.Server, id wire.ID) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.came(server, id.Key())
	r := f.client[id.Key()]
	if r == nil || r.state == deciding || r.server != server {
		return nil
	}
	if l, ok := server.(*link); ok && r.call == nil { // of a call its outcome asks
		l.working(id) // or the connection would remember it, and the id is another's from now on
	}
	f.remove(id.Key(), r)
	return r
}

// remove takes a request out; the caller holds the lock.
func (f *inflight) remove(key wire.Key, r *request) {
	delete(f.client, key)
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.hold != nil {
		r.hold.Release()
	}
	f.idle.Broadcast()
}

// drop removes a request that is being judged, and only that one: its id may
// have been cancelled and used again. False if it is not there any more.
func (f *inflight) drop(r *request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r || r.state != deciding {
		return false
	}
	f.remove(r.message.ID.Key(), r)
	return true
}

// expire marks a forwarded call as answered for the server, if it is not
// settled; tell says whether the client still waits for an answer.
func (f *inflight) expire(r *request) (expired, tell bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r || r.state != forwarded {
		return false, false
	}
	r.state = overdue
	f.idle.Broadcast()
	return true, !r.cancelled
}

// cancel marks the forwarded request with that id as one that nobody waits
// for, and returns it; nil if there is none.
func (f *inflight) cancel(id wire.ID) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.client[id.Key()]
	if r == nil || r.state != forwarded {
		return nil
	}
	r.cancelled = true
	if r.hold != nil {
		r.hold.Release()
	}
	f.idle.Broadcast()
	return r
}

// all removes and returns everything in flight; nothing is added after it.
func (f *inflight) all() []*request {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	return f.of(nil)
}

// of removes and returns what is in flight on a server; nil is all of them.
func (f *inflight) of(server lane.Server) []*request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rest []*request
	for key, r := range f.client {
		if server == nil || r.server == server {
			rest = append(rest, r)
			f.remove(key, r)
		}
	}
	if server != nil {
		maps.DeleteFunc(f.server, func(_ wire.Key, q *question) bool { return q.server == server })
		maps.DeleteFunc(f.tokens, func(_ wire.Key, q *question) bool { return q.server == server })
		for key := range f.late {
			f.came(server, key)
		}
	}
	return rest
}

// only is the one request that a server works on; zero if there are others or none.
func (f *inflight) only(server lane.Server) (id wire.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.client {
		if r.server != server || r.message.Method == methodListen {
			continue
		}
		if !id.IsZero() {
			return wire.ID{}
		}
		id = r.message.ID
	}
	return id
}

// drained is closed when no request waits for its answer any more, or stop is called.
func (f *inflight) drained() (done <-chan struct{}, stop func()) {
	ch, stopped := make(chan struct{}), false
	go func() {
		defer close(ch)
		f.mu.Lock()
		defer f.mu.Unlock()
		for !stopped && f.waiting() > 0 {
			f.idle.Wait()
		}
	}()
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		stopped = true
		f.idle.Broadcast()
	}
}

func (f *inflight) waiting() (n int) {
	for _, r := range f.client {
		if r.state != overdue && !r.cancelled {
			n++
		}
	}
	return n
}
