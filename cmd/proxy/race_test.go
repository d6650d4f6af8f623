//go:build race

package main

import (
	"os"
	"syscall"
)

// Under the race detector every byte is accounted for with more of them.
const mostPerSession = 300 << 10

// quick has a process of the tests end at once: under the race detector each waits
// a second before it does, and a call through wrap takes three that wait in turn.
func quick() {
	if os.Getenv("GORACE") == "" {
		_ = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "GORACE=atexit_sleep_ms=0")) // or it is slow
	}
}
