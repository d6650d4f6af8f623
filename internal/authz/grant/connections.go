package grant

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxConnections is how many may be open to one endpoint. A server's SDK keeps
// a few; any local user can open more.
const maxConnections = 64

// connections bounds how many are open. The oldest makes room for the newest:
// an honest request is over at once, so whoever holds connections open loses
// them and keeps nobody else out.
type connections struct {
	mu   sync.Mutex
	open []net.Conn // oldest first
}

// changed is an http.Server's ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if oldest := c.add(conn); oldest != nil {
			oldest.Close()
		}
	case http.StateClosed, http.StateHijacked:
		c.remove(conn)
	}
}

// add returns the connection that is over the limit, if one is.
func (c *connections) add(conn net.Conn) (oldest net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open = append(c.open, conn); len(c.open) > maxConnections {
		oldest = c.open[0]
		c.open = slices.Delete(c.open, 0, 1)
	}
	return oldest
}

func (c *connections) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.open, conn); i >= 0 {
		c.open = slices.Delete(c.open, i, i+1)
	}
}
