// Package authn establishes who a client of serve is from what it shows: a JSON
// Web Token, or a client certificate.
//
// It promises that a token counts only if it was signed with one of the
// configured issuer's published keys, by an algorithm with which whoever can
// check a signature cannot make one, for this proxy as audience, and is in force
// now; that nothing in a token says where its key is found; and that no error
// holds any byte of what a client showed.
//
// It does not say what a principal may do: configuration and policy do.
package authn
