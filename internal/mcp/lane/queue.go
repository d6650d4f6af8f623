package lane

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrClosed is the class of a lane whose upstream is gone.
var ErrClosed = errors.New("the server is gone")

// queue gives the lane to one scope at a time, first come, first served.
type queue struct {
	mu        sync.Mutex
	holders   int
	scope     string
	exclusive bool
	abandoned int // holders whose call was given up on
	waiting   []*waiter
	closed    bool
}

type waiter struct {
	scope     string
	exclusive bool
	ready     chan struct{} // closed when the turn has come, or the lane has closed
}

// acquire returns when the turn has come; the caller then must release once.
func (q *queue) acquire(ctx context.Context, scope string, exclusive bool) error {
	w := &waiter{scope, exclusive, make(chan struct{})}
	q.mu.Lock()
	q.waiting = append(q.waiting, w)
	q.admit()
	q.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		if i := slices.Index(q.waiting, w); i >= 0 {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			q.admit() // whoever stood behind may share with the holders
			return ctx.Err()
		}
		// The turn came at the same instant: give it back.
		if !q.closed {
			q.leave()
		}
		return ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	return nil
}

// admit lets the head of the line in while it fits; the caller holds the lock.
func (q *queue) admit() {
	for len(q.waiting) > 0 {
		w := q.waiting[0]
		fits := q.holders == 0 || (!q.exclusive && !w.exclusive && q.scope == w.scope && q.abandoned == 0)
		if !fits && !q.closed {
			return
		}
		q.waiting = q.waiting[1:]
		if !q.closed {
			q.holders++
			q.scope, q.exclusive = w.scope, w.exclusive
		}
		close(w.ready)
	}
}

func (q *queue) release(abandoned bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if abandoned {
		q.abandoned--
	}
	q.leave()
}

func (q *queue) leave() {
	q.holders--
	q.admit()
}

func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.abandoned++
}

// close refuses everyone who waits and will ask.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.admit()
}
