package streamable

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Quota is what one principal may take, so that the others keep their speed.
type Quota struct {
	Sessions    int // at the same time
	Concurrency int // requests in progress, and messages being read, of all its sessions
	Rate, Burst int // HTTP requests a second, and at once
}

// quotas counts what principals take.
type quotas struct {
	each Quota

	mu    sync.Mutex
	users map[user]*usage
}

// user is a principal, whatever its tags.
type user struct{ kind, id string }

type usage struct {
	requests *rate.Limiter
	arriving int
	progress int
	sessions int
}

func newQuotas(each Quota) *quotas { return &quotas{each: each, users: map[user]*usage{}} }

// of returns a principal's usage; the caller holds the lock.
func (q *quotas) of(p authz.Principal) *usage {
	key := user{p.Kind, p.ID}
	u := q.users[key]
	if u == nil {
		u = &usage{requests: rate.NewLimiter(rate.Limit(q.each.Rate), q.each.Burst)}
		q.users[key] = u
	}
	return u
}

// admit reports whether a principal may make another HTTP request now.
func (q *quotas) admit(p authz.Principal) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.of(p).requests.Allow()
}

// begin counts a request that is in progress until end is called, once or more
// often; ok is false when there are too many.
func (q *quotas) begin(p authz.Principal) (end func(), ok bool) {
	return q.count(p, func(u *usage) *int { return &u.progress })
}

// arrive is begin of a message that is being read, of whatever kind: an answer or
// a cancellation must not wait for requests.
func (q *quotas) arrive(p authz.Principal) (end func(), ok bool) {
	return q.count(p, func(u *usage) *int { return &u.arriving })
}

func (q *quotas) count(p authz.Principal, of func(*usage) *int) (end func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := of(q.of(p))
	if *n >= q.each.Concurrency {
		return nil, false
	}
	*n++
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		*n--
	}), true
}

// open counts a session until end is called, once; ok is false when there are too many.
func (q *quotas) open(p authz.Principal) (end func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.of(p)
	if u.sessions >= q.each.Sessions {
		return nil, false
	}
	u.sessions++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		u.sessions--
	}, true
}

// forget drops who takes nothing, and has its whole burst again.
func (q *quotas) forget(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for key, u := range q.users {
		if u.arriving == 0 && u.progress == 0 && u.sessions == 0 && u.requests.TokensAt(now) >= float64(q.each.Burst) {
			delete(q.users, key)
		}
	}
}
