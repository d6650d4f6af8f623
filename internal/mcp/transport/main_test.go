//go:build linux && !unguarded

package transport

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is every process of the tests: the guard, the proxy where
// the proxy itself is killed, and the servers of roles_test.go.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 { // syscall.Exit, because os.Exit waits a second under the race detector
		if os.Args[1] == "guard" {
			syscall.Exit(RunGuard(os.Args[2:]))
		}
		if role := roles[os.Args[1]]; role != nil {
			syscall.Exit(role(os.Args[2:]))
		}
	}
	if err := Subreaper(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// as is a command line that plays a role; every process of it carries the mark.
func as(mark, role string, args ...string) []string {
	return append([]string{"/proc/self/exe", role, mark}, args...)
}

func newMark() string { return "mark-" + rand.Text() }

// start starts a role and ends it with the test.
func start(t *testing.T, spec Spec) *Child {
	t.Helper()
	c, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Kill(); c.Wait(); c.Stdin.Close(); c.Stdout.Close() })
	return c
}

// readLine reads the next line a child prints.
func readLine(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("read line of the child: %v", err)
	}
	return strings.TrimSpace(line)
}

// marked lists the living processes that carry the mark.
func marked(t *testing.T, mark string) (pids []int) {
	t.Helper()
	names, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name.Name())
		if err != nil {
			continue
		}
		if line, err := os.ReadFile("/proc/" + name.Name() + "/cmdline"); err == nil && bytes.Contains(line, []byte(mark)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// limit is for what ends at once, on a machine that is busy or stands still.
const limit = time.Minute

// expectNone fails unless every marked process is gone soon.
func expectNone(t *testing.T, mark string) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		left := marked(t, mark)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes %v survive", left)
		}
	}
}

// expectNoZombies fails if this process has children that nobody reaped.
func expectNoZombies(t *testing.T) {
	t.Helper()
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.parent == os.Getpid() && p.zombie {
			t.Errorf("process %d is a zombie", p.pid)
		}
	}
}

func ends(t *testing.T, c *Child) Exit {
	t.Helper()
	if !c.endsWithin(limit) {
		t.Fatalf("the child did not end within %v", limit)
	}
	return c.Wait()
}
