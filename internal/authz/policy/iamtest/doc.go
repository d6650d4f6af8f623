// Package iamtest draws random cases of IAM evaluation, for tests that hold
// evaluators equal: rego/iam, its native twin, the one of internal/fakeaws, and
// an independent simulator.
//
// A [Generator] draws from few words, so that statements and requests often
// meet, and keeps to documents that policy.ReadDocument takes. A case depends on
// the seed and its number alone. What an evaluator cannot judge is left out by
// construction: each [Feature] that one lacks is named in its [Lacks], with the
// reason. [Shrink] makes of a case on which evaluators differ the smallest one
// on which they still do.
//
// It is for tests; the program does not import it.
package iamtest
