// Package lane is one upstream and the lease on its credentials.
//
// The server cannot say which call an AWS request belongs to, so a lane holds
// one scope at a time: reads of equal scope share it, a write or a sensitive
// call holds it alone, and a call of another scope waits its turn. A call that
// was given up on (cancelled, timed out) keeps its place until its own answer
// arrives, because the server may still be working for it.
//
// The package promises that credentials can be drawn only between
// [Hold.Lease] and [Hold.Release] or [Hold.Abandon], and that turns are given
// in the order they were asked for. It does not read messages and decides nothing.
package lane
