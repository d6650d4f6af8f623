// Package lane is the server processes of one client session, and the leases
// on their credentials.
//
// A server cannot say which call an AWS request belongs to, so a lane (one
// process at a time, with a credential endpoint of its own) holds one scope at
// a time: reads of equal scope share it, a write or a sensitive call holds it
// alone, and a call of another scope takes another lane, started on demand, or
// waits. A call that was given up on (cancelled, timed out) keeps its lane until
// its own answer arrives, because the server may still be working for it; if the
// answer does not come, the lane's processes are killed. A lane whose server
// ended is started again when it is next needed, with a growing pause.
//
// Lane 0 is the session's first server: it carries what is only relayed. Under
// the deliveries "process" and "sigv4" every call that uses AWS has a process, or
// a connection, of its own; a connection may be kept for a call of equal scope.
//
// The package promises that credentials can be drawn only between [Hold.Deliver]
// and [Hold.Release] or [Hold.Abandon], that scopes never mix in a lane, and that
// turns are given in the order they were asked for, in which what needs lane 0 and
// the rest take turns, and where sessions share their servers to one principal after
// the other. It does not read messages and decides nothing.
package lane
