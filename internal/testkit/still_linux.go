package testkit

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const standing = "ECSMCP_TEST_STANDS_STILL"

// StandStill stops this process until it is told to go on: the machine stands still,
// as it sees it.
func StandStill() error { return syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

// StoodStill plays the test again in a process of its own, where scene must call
// StandStill once and then stands still for that long. The test fails if it does there.
func StoodStill(t *testing.T, long time.Duration, scene func(*testing.T)) {
	t.Helper()
	if os.Getenv(standing) != "" {
		scene(t)
		return
	}
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env, child.Stdout, child.Stderr = append(os.Environ(), standing+"=1"), os.Stderr, os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(child.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it did not stop: %v, %v", status, err)
	}
	time.Sleep(long)
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Error(err)
	}
	if err := child.Wait(); err != nil {
		t.Errorf("it failed where the machine stood still: %v", err)
	}
}
