package policy

import (
	"sync"
	"time"
)

// Count is how the policy in force came to be, and whether it is the newest.
type Count struct {
	Revision string    // empty: there is none yet
	Loaded   time.Time // when it, or the same again, was loaded
	OK       uint64    // loads that succeeded
	Failed   uint64    // loads, and fetches of a bundle, that did not
	Trouble  bool      // something is wrong now: the last good policy decides on
}

type counts struct {
	mu         sync.Mutex
	loaded     time.Time
	ok, failed uint64
}

func (c *counts) add(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed++
		return
	}
	c.ok++
	c.loaded = time.Now()
}

// Count returns the counts so far.
func (l *Live) Count() Count {
	l.mu.Lock()
	trouble := len(l.problems) > 0
	l.mu.Unlock()
	l.counts.mu.Lock()
	defer l.counts.mu.Unlock()
	c := Count{Loaded: l.counts.loaded, OK: l.counts.ok, Failed: l.counts.failed, Trouble: trouble}
	if e := l.current.Load(); e != nil {
		c.Revision = e.Revision()
	}
	return c
}
