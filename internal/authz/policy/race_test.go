//go:build race

package policy_test

// Under the race detector an evaluation takes ten times as long.
const raced = true
