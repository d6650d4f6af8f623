// Package authz holds the words that every later step of a call is written in:
// who calls ([Principal]), what the call will do at AWS ([Access], [Request])
// and what was decided about it ([Decision]).
//
// The way of a call through its sub-packages:
//
//	catalog  turns (server, tool, arguments) into accesses
//	policy   asks Rego whether the principal's persona may perform them
//	facts    looks up what the arguments do not say (resource tags)
//	grant    lends AWS credentials limited to exactly the decided accesses
//	audit    records the decision before the call, and its outcome after
//
// The package promises that every zero value refuses: the zero Decision
// denies, the zero Verdict is an implicit deny, and a Request without accesses
// is never allowed. It does not decide anything itself and imports none of its
// sub-packages.
package authz
