//go:build !race

package iamtest_test

const raced = false
