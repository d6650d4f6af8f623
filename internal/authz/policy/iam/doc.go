// Package iam is the native twin of rego/iam: the same answers, faster.
//
// rego/iam is the law. This package is what decides in the proxy, put in the
// place of data.ecsmcp.iam.evaluate; random tests hold the two equal, and equal
// to a third evaluator that shares no code with either.
//
// [New] compiles a persona's documents and indexes their statements by action
// and by how the last part of their resources begins, so that ten thousand
// statements cost little more than twenty. [Policy.Evaluate] answers all
// accesses of a call at once.
//
// Documents are those that policy.ReadDocument took: this package does not check
// grammar, but what it cannot read it refuses to compile, and what it cannot
// compare is an error, never an answer.
package iam
