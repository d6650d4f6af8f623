//go:build race

package iamtest_test

// Under the race detector a case takes ten times as long, and there is no race to
// find in drawing one after the other.
const raced = true
