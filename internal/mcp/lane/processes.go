package lane

import "sync"

// Processes bounds the servers of all sessions together. The first server of a
// session is started even over the bound, and one for a call where each call has
// its own: what others keep open must not leave a session without any. A nil
// Processes bounds nothing. It is safe for concurrent use.
type Processes struct {
	most int

	mu      sync.Mutex
	taken   int
	pools   map[*Pool]bool
	waiting map[*Pool]bool // those in which a call waits
}

// NewProcesses returns a bound of most servers.
func NewProcesses(most int) *Processes {
	return &Processes{most: most, pools: map[*Pool]bool{}, waiting: map[*Pool]bool{}}
}

// full reports whether no more servers should be started.
func (p *Processes) full() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken >= p.most
}

func (p *Processes) take() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
}

// wait notes whether a call waits in a pool.
func (p *Processes) wait(pool *Pool, waits bool) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if waits {
		p.waiting[pool] = true
	} else {
		delete(p.waiting, pool)
	}
}

// give lets others start; whoever waits is looked at again.
func (p *Processes) give() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	for pool := range p.waiting {
		go pool.again() // the caller holds the lock of one of them
	}
}

func (p *Processes) join(pool *Pool) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pools[pool] = true
}

func (p *Processes) leave(pool *Pool) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pools, pool)
	delete(p.waiting, pool)
}
