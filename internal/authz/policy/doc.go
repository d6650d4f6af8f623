// Package policy asks Rego whether a persona may perform the accesses of a call.
//
// It stands between the catalogue, which says what a call will do, and the
// grant, which lends credentials for exactly what was allowed. [ReadDocument]
// and [Builtin] read IAM policy documents, [New] compiles them with the
// embedded modules of the directory rego into an [Engine], and [Engine.Decide]
// answers one request.
//
// It promises that doubt denies: a document with anything in it that IAM would
// read differently, or not at all, is refused at load; an evaluation that fails,
// is undefined, conflicts, panics or is cut short returns an error and the zero
// Decision; and what Rego allows is checked again in Go. Policy can reach neither
// the network nor the clock nor the environment.
//
// It does not look anything up: a key that the request does not carry is absent,
// and one that it lists as unknown is unknown. The semantics are those of
// rego/iam; docs/policy.md explains them.
package policy
