//go:build linux && !unguarded

package transport

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Undumpable keeps other processes of the same user from reading this one's
// memory and environment through ptrace and /proc, and turns core dumps off,
// for its children too. A child that is executed becomes readable again.
// Call it before secrets are in memory. Source: prctl(2), PR_SET_DUMPABLE.
func Undumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make process undumpable: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turn core dumps off: %w", err)
	}
	return nil
}

// Subreaper makes this process the parent of every orphan below it. Call it
// before Start, so that what a killed guard leaves behind comes here.
// Source: prctl(2), PR_SET_CHILD_SUBREAPER.
func Subreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	return nil
}

// guards are the guards of this process that live. Being a subreaper is a
// property of the whole process, and so is this.
var guards = struct {
	sync.Mutex
	pids map[int]bool
}{pids: map[int]bool{}}

// sweepTime is how long the proxy tries to kill what a guard left behind.
const sweepTime = 2 * time.Second

// KillOrphans kills and reaps everything that guards which are no more left to
// this process. It tells them from the proxy's other children by their
// session: a guard begins a new one, and no process can go back. The error is
// an ErrGuard if something is still alive after two seconds of trying.
func KillOrphans() error {
	waited := time.Duration(0) // and no time in which the machine stood still
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left, err := killOrphansOnce()
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", ErrGuard, err)
		case left == 0:
			return nil
		case waited > sweepTime:
			return fmt.Errorf("%w: %d processes of the server could not be killed", ErrGuard, left)
		}
		time.Sleep(pause)
		waited += pause
	}
}

func killOrphansOnce() (left int, err error) {
	guards.Lock() // no guard may start between the list and the kill
	defer guards.Unlock()
	all, err := processes()
	if err != nil {
		return 0, err
	}
	session, err := unix.Getsid(0)
	if err != nil {
		return 0, err
	}
	var orphans []process
	var roots []int
	for _, p := range all {
		if p.parent == os.Getpid() && p.session != session && !guards.pids[p.pid] {
			orphans, roots = append(orphans, p), append(roots, p.pid)
		}
	}
	killAll(append(orphans, below(all, roots...)...))
	for _, pid := range roots {
		var status syscall.WaitStatus
		_, _ = syscall.Wait4(pid, &status, syscall.WNOHANG, nil) // still dying: the next pass reaps it
	}
	return len(orphans), nil
}

// Caveat is what this system cannot promise, for the proxy to say when it starts:
// nothing, on Linux.
const Caveat = ""
