package lane

import (
	"slices"
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
// for all sessions, and go round among principals. It is safe for concurrent use.
type Turns struct {
	endpoints []*grant.Endpoint // of servers that were not started here

	mu       sync.Mutex
	turns    []*turn
	line     []*queue       // of what waits; the first is next
	sessions map[string]int // by principal
	owes     map[string]int // by principal: why it gets no lane for a call that is lent credentials
}

// queue is the calls of one principal that wait, in the order they came. Those that
// need lane 0 have one of their own: the turns that others have elsewhere must not
// put them back.
type queue struct {
	principal string
	first     bool
	waiting   []*waiter
}

func newTurns(n int) *Turns {
	t := &Turns{sessions: map[string]int{}, owes: map[string]int{}}
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

// join takes a session in, leave lets it go with all that waits in it; the caller
// holds the lock.
func (t *Turns) join(p *Pool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sessions[p.config.Principal]++
}

func (t *Turns) leave(p *Pool) {
	if p.closed {
		return
	}
	p.closed = true
	for _, q := range slices.Clone(t.line) {
		for _, w := range slices.Clone(q.waiting) {
			if w.pool == p {
				t.remove(q, w)
				close(w.ready)
			}
		}
	}
	count(t.sessions, p.config.Principal, -1)
	t.admit()
}

// add lets a call wait, and gives it its turn if that has come; forget takes it
// back, and is false if it does not wait any more. The caller holds the lock.
func (t *Turns) add(w *waiter) {
	principal := w.pool.config.Principal
	i := slices.IndexFunc(t.line, func(q *queue) bool { return q.principal == principal && q.first == w.First })
	if i < 0 {
		i, t.line = len(t.line), append(t.line, &queue{principal: principal, first: w.First})
	}
	t.line[i].waiting = append(t.line[i].waiting, w)
	w.pool.waits(1)
	t.admit()
}

func (t *Turns) forget(w *waiter) bool {
	for _, q := range t.line {
		if slices.Contains(q.waiting, w) {
			t.remove(q, w)
			t.admit() // whoever stood behind may fit
			return true
		}
	}
	return false
}

// remove takes a call out of its queue, and a queue in which none is left out of the line.
func (t *Turns) remove(q *queue, w *waiter) {
	q.waiting = slices.DeleteFunc(q.waiting, func(other *waiter) bool { return other == w })
	w.pool.waits(-1)
	if len(q.waiting) == 0 {
		t.line = slices.DeleteFunc(t.line, func(other *queue) bool { return other == q })
	}
}

// admit gives every turn that can be given; the caller holds the lock.
func (t *Turns) admit() {
	for t.admitNext() {
	}
}

// admitNext gives the next turn: to one queue after the other, and to the calls of
// each in the order they came. Nobody overtakes another who could have the same
// lane, but calls that can share a turn of their principal's take it together.
func (t *Turns) admitNext() bool {
	firstTaken := false // somebody waits for lane 0 alone
	for _, q := range t.line {
		for i, w := range q.waiting {
			if t.barred(w) {
				continue
			}
			l := w.pool.place(w, firstTaken)
			if l == nil && w.First {
				firstTaken = true
				continue
			}
			if l == nil {
				return false
			}
			together := slices.Clone(q.waiting[i+1:])
			t.give(q, w, l)
			for _, w := range together {
				if same := w.pool.place(w, firstTaken); t.barred(w) || same == nil || same.turn != l.turn {
					break
				} else {
					t.give(q, w, same)
				}
			}
			if rest := slices.Index(t.line, q); rest >= 0 { // the others come first
				t.line = append(slices.Delete(t.line, rest, rest+1), q)
			}
			return true
		}
	}
	return false
}

func (t *Turns) give(q *queue, w *waiter, l *lane) {
	t.remove(q, w)
	l.enter(w)
	w.lane = l
	close(w.ready)
}

// barred reports whether a call has to wait whatever is free: where others need the
// same servers, whoever gave up on a call that a server may still be at work for is
// lent nothing meanwhile. Else one who asks and goes, again and again, had them all.
func (t *Turns) barred(w *waiter) bool {
	return w.AWS && t.owes[w.pool.config.Principal] > 0 && len(t.sessions) > 1
}

// owe bars a principal; the caller holds the lock, also when it calls settled.
func (t *Turns) owe(principal string) (settled func()) {
	count(t.owes, principal, 1)
	return func() {
		count(t.owes, principal, -1)
		t.admit()
	}
}

// count adds to a count that is kept while it is not zero.
func count(counts map[string]int, of string, n int) {
	if counts[of] += n; counts[of] == 0 {
		delete(counts, of)
	}
}
