package lane

// Count is how the lanes of a session, or of all of them, are used.
type Count struct {
	Open    int // servers that run, or that there is a connection to
	Busy    int // lanes that calls are on
	Waiting int // calls without a lane yet
}

// Count counts the lanes of all sessions.
func (p *Processes) Count() (all Count) {
	p.mu.Lock()
	pools := make([]*Pool, 0, len(p.pools))
	for pool := range p.pools {
		pools = append(pools, pool)
	}
	p.mu.Unlock() // who holds a pool's lock may wait for this one
	for _, pool := range pools {
		c := pool.count()
		all.Open, all.Busy, all.Waiting = all.Open+c.Open, all.Busy+c.Busy, all.Waiting+c.Waiting
	}
	return all
}

func (p *Pool) count() (c Count) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if l.server != nil {
			c.Open++
		}
		if l.kept != nil {
			c.Open++
		}
		if l.users > 0 {
			c.Busy++
		}
	}
	c.Waiting = p.waiting
	return c
}
