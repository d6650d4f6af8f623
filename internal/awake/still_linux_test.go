package awake

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// standing makes the test's process one that stops itself.
const standing = "ECSMCP_TEST_STANDS_STILL"

func TestAMachineThatStandsStillIsNotAtWork(t *testing.T) {
	const limit = 2 * time.Second
	if os.Getenv(standing) != "" {
		over, _ := After(limit)
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		select {
		case <-over:
			t.Error("it is over at once")
		case <-time.After(limit / 10): // one step is, and perhaps another
		}
		<-over
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
	time.Sleep(limit + limit/4)
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Error(err)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}
