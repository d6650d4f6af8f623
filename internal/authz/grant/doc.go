// Package grant lends AWS credentials for one decision, limited by AWS itself
// to exactly what was decided and ended by AWS itself when the call is over.
//
// It comes after the decision and before the call is forwarded: [Compile]
// writes the session policy, [Broker] assumes the persona's role with it, and
// [Endpoint] hands the result to the one upstream that holds the lease.
//
// It promises that AssumeRole is never sent without a session policy that has
// at least one Allow and the time-out Deny, that the policy never names more
// than the decided (action, resource) pairs, and that no secret leaves the
// package other than through the endpoint's answer under a lease, in the
// environment of a call's own process, or not at all: [Grant.Sign] signs here.
//
// It does not decide: it believes the accesses it is given.
package grant
