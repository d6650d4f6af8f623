package grant

import "sync/atomic"

// What all endpoints of this process did.
var leases, drawn, drawsRefused atomic.Uint64

// Count returns how many leases there were, how often credentials were drawn, and
// how often a request found no lease, on all endpoints since the process began.
func Count() (leased, draws, refused uint64) {
	return leases.Load(), drawn.Load(), drawsRefused.Load()
}
