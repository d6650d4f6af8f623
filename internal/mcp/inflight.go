package mcp

import (
	"context"
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
	message *wire.Message
	state   state
	cancel  context.CancelFunc // ends the judging
	call    *admission         // of a decided call, once forwarded
	since   time.Time          // of forwarding
	timer   *time.Timer        // at the call's deadline
}

// inflight is every unsettled request of the client and of the server. Each
// transition is atomic, so an answer, a cancel and a deadline that come at the
// same instant settle a request once.
type inflight struct {
	mu     sync.Mutex
	client map[wire.Key]*request
	server map[wire.Key]bool
	idle   *sync.Cond
}

func newInflight() *inflight {
	f := &inflight{client: map[wire.Key]*request{}, server: map[wire.Key]bool{}}
	f.idle = sync.NewCond(&f.mu)
	return f
}

// add takes a new request; false if its id is in flight already.
func (f *inflight) add(r *request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.message.ID.Key()
	if f.client[key] != nil {
		return false
	}
	f.client[key] = r
	return true
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
	if r == nil || !contains(from, r.state) {
		return nil
	}
	delete(f.client, id.Key())
	if r.timer != nil {
		r.timer.Stop()
	}
	f.idle.Broadcast()
	return r
}

// expire marks a forwarded call as answered for the server.
func (f *inflight) expire(r *request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client[r.message.ID.Key()] != r || r.state != forwarded {
		return false
	}
	r.state = overdue
	f.idle.Broadcast()
	return true
}

// find returns the request with that id, and its state, or nil.
func (f *inflight) find(id wire.ID) (*request, state) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.client[id.Key()]
	if r == nil {
		return nil, 0
	}
	return r, r.state
}

// all removes and returns everything in flight, with its state.
func (f *inflight) all() []*request {
	f.mu.Lock()
	defer f.mu.Unlock()
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
		if r.state != overdue {
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
	if f.server[id.Key()] {
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

func contains(states []state, s state) bool {
	for _, x := range states {
		if x == s {
			return true
		}
	}
	return false
}
