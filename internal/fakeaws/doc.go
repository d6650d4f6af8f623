// Package fakeaws is a strict AWS in memory: the STS and ECS that the demo and
// the tests talk to in place of the real ones, with as much of CloudFormation,
// ECR and CloudWatch Logs as looking up tags and deleting a stack needs.
//
// The way of a request:
//
//	wire (protocol.go) ─► signature (sigv4.go) ─► operation (sts.go, ecs_*.go, ecr.go, logs.go, cloudformation.go)
//	                                                  │ authorize (call.go)
//	answer, record ◄─── state (state.go) ◄─── allowed ┤
//	                                                  └ evaluate.go: identity AND boundary AND session
//
// It promises to refuse what AWS refuses: bad signatures, foreign or expired
// keys, session policies over their limits, and every action that the caller's
// policies do not allow, each with the error code that AWS gives in the
// protocol of the request. It decides with an evaluator of its own, plain and
// linear, that shares nothing with the product's engines, so that a test
// through it can contradict them. Where AWS's own behaviour is unpublished
// (the packed size of a session policy) it is deterministic and errs on the
// side of refusing.
//
// It also keeps what a test asks for afterwards: [AWS.Requests],
// [AWS.Sessions], and [AWS.Violations] for requests that AWS would answer but
// this product must never send.
//
// It does not run containers, keeps nothing on disk, has the resources of one
// account (roles may be of others), no organisation (no SCP or RCP) and no
// resource-based policy but a role's trust, and answers a presigned URL with a
// missing-token error. Operations that it does not implement are authorised on
// resource "*" and then refused as unknown.
package fakeaws
