package mcp

import (
	"maps"
	"slices"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// late is an answer that nobody waits for and that may still come. Until then no
// request may have its id: it would be taken for that one's.
type late struct {
	server lane.Server
	size   int
}

// maxLate bounds what is kept of requests whose answers nobody waits for, in bytes.
const maxLate = 4 << 20

// spend is giveUp; the caller holds the lock.
func (f *inflight) spend(r *request) {
	const entry = 100 // bytes, roughly, beside the id
	key, size := r.message.ID.Key(), entry+len(r.message.ID.Raw())
	f.remove(key, r)
	f.late[key] = late{r.server, size}
	f.size += size
}

// owing are the servers that have not answered what was given up on.
func (f *inflight) owing() []lane.Server {
	f.mu.Lock()
	defer f.mu.Unlock()
	servers := map[lane.Server]bool{}
	for _, l := range f.late {
		servers[l.server] = true
	}
	return slices.Collect(maps.Keys(servers))
}

// came lets an id be used again, if its server is this one; the caller holds the lock.
func (f *inflight) came(server lane.Server, key wire.Key) {
	if l := f.late[key]; l.server == server {
		f.size -= l.size
		delete(f.late, key)
	}
}
