//go:build race

package main

// Under the race detector every byte is accounted for with more of them.
const mostPerSession = 300 << 10
