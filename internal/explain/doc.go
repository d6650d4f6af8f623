// Package explain says what a call would do, what decides about it, and what is
// the smallest change that would allow it.
//
// It stands beside the flow: it judges through the gate itself, with the real
// catalogue, engine and session policy compiler, and it records, lends and sends
// nothing. What it suggests was decided again with the change made, and allowed.
// What it could not find out it calls unknown, and shows both outcomes.
//
// It is for the people who run the proxy, never for its clients: it quotes
// policy and names remedies.
package explain
