package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
	since    time.Time          // of forwarding
	timer    *time.Timer        // at the call's deadline
	redacted int                // values taken out of the answer
	// cancelled by the client after it was forwarded: an answer is passed on,
	// but none is made up, because MCP wants none.
	cancelled bool

	// sending is held while the request is forwarded and written, so that a
	// cancellation of it is never written before it.
	sending sync.Mutex
}

// inflight is every unsettled request of the client and of the server. Each
// transition is atomic, so an answer, a cancel and a deadline that come at the
// same instant settle a request once.
type inflight struct {
	mu     sync.Mutex
	client map[wire.Key]*request
	server map[wire.Key]bool
	closed bool
	idle   *sync.Cond
}

func newInflight() *inflight {
	f := &inflight{client: map[wire.Key]*request{}, server: map[wire.Key]bool{}}
	f.idle = sync.NewCond(&f.mu)
	return f
}

var (
	errInUse = errors.New("the id is in use by a request that is not answered yet; use another")
	errEnded = errors.New("the ECS MCP server has ended")
	errMany  = fmt.Errorf("%d requests are not answered yet; wait for some of them", maxInflight)
)

// maxInflight bounds the requests of one side that are not answered yet.
const maxInflight = 256

// add takes a new request. The error is errInUse or, after all, errEnded.
func (f *inflight) add(r *request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.message.ID.Key()
	switch {
	case f.closed:
		return errEnded
	case f.client[key] != nil:
		return errInUse
	case len(f.client) >= maxInflight && !f.evict():
		return errMany
	}
	f.client[key] = r
	return nil
}

// evict forgets a relayed request that the client cancelled and the server, as
// MCP lets it, never answered. The caller holds the lock.
func (f *inflight) evict() bool {
	for key, r := range f.client {
		if r.cancelled && r.call == nil {
			delete(f.client, key)
			return true
		}
	}
	return false
}

// forward moves a judged request on, unless it was settled meanwhile.
func (f *inflight) forward(r *request, call *admission, onDeadline func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r || r.state != deciding {
		return false
	}
	r.state, r.call, r.since = forwarded, call, time.Now()
	if call != nil {
		r.timer = time.AfterFunc(time.Until(call.deadline), onDeadline)
	}
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
	delete(f.client, id.Key())
	if r.timer != nil {
		r.timer.Stop()
	}
	f.idle.Broadcast()
	return r
}

// drop removes a request that is being judged, and only that one: its id may
// have been cancelled and used again. False if it is not there any more.
func (f *inflight) drop(r *request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r || r.state != deciding {
		return false
	}
	delete(f.client, r.message.ID.Key())
	f.idle.Broadcast()
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
	f.idle.Broadcast()
	return r
}

// all removes and returns everything in flight; nothing is added after it.
func (f *inflight) all() []*request {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	var rest []*request
	for key, r := range f.client {
		if r.timer != nil {
			r.timer.Stop()
		}
		rest = append(rest, r)
		delete(f.client, key)
	}
	f.idle.Broadcast()
	return rest
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

// asked notes a request of the server; answered takes it off and reports
// whether it was there.
func (f *inflight) asked(id wire.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server[id.Key()] || len(f.server) >= maxInflight {
		return false
	}
	f.server[id.Key()] = true
	return true
}

func (f *inflight) answered(id wire.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.server[id.Key()]
	delete(f.server, id.Key())
	return was
}
