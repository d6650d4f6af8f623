//go:build linux && !unguarded

package transport

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// familySize counts the command, a child in its group, one in the guard's, a
// stubborn one in a session of its own, and a daemon that forked twice.
const familySize = 5

func startFamily(t *testing.T, mark string) *Child {
	t.Helper()
	c := start(t, Spec{Command: as(mark, "family")})
	readLine(t, bufio.NewReader(c.Stdout))
	if got := marked(t, mark); len(got) != familySize {
		t.Fatalf("the family is %v", got)
	}
	return c
}

func TestNothingSurvivesKill(t *testing.T) {
	mark := newMark()
	c := startFamily(t, mark)
	c.Kill()
	c.Kill()
	if exit := ends(t, c); exit.Signal != syscall.SIGKILL || exit.Err != nil {
		t.Errorf("got %+v", exit)
	}
	if left := marked(t, mark); len(left) > 0 {
		t.Errorf("done, but %v live", left)
	}
	expectNoZombies(t)
}

func TestNothingSurvivesTheCommand(t *testing.T) {
	mark := newMark()
	c := start(t, Spec{Command: as(mark, "deserter")})
	if exit := ends(t, c); exit != (Exit{Code: 5}) {
		t.Errorf("got %+v", exit)
	}
	if left := marked(t, mark); len(left) > 0 {
		t.Errorf("done, but %v live", left)
	}
}

func TestNothingSurvivesTheGuard(t *testing.T) {
	mark, other := newMark(), newMark()
	bystander := startFamily(t, other)
	c := startFamily(t, mark)
	if err := syscall.Kill(c.guard.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit := ends(t, c); !errors.Is(exit.Err, ErrGuard) || exit.Code == 0 {
		t.Errorf("got %+v", exit)
	}
	if left := marked(t, mark); len(left) > 0 {
		t.Errorf("done, but %v live", left)
	}
	expectNoZombies(t)
	if left := marked(t, other); len(left) != familySize || bystander.endsWithin(0) {
		t.Errorf("the family of another guard is down to %v", left)
	}
}

func TestOrphansOfAGuardAreToldFromOtherChildren(t *testing.T) {
	mark := newMark()
	own := exec.Command("/proc/self/exe", "sleep", mark) // such as a credential process
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Process.Kill(); _ = own.Wait() }()
	if err := KillOrphans(); err != nil {
		t.Fatal(err)
	}
	if len(marked(t, mark)) != 1 {
		t.Error("a child that no guard left was killed")
	}
}

func TestNothingSurvivesAGuardThatHangs(t *testing.T) {
	mark := newMark()
	c := startFamily(t, mark)
	if err := syscall.Kill(c.guard.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.Kill()
	if exit := ends(t, c); exit.Err == nil {
		t.Errorf("got %+v", exit)
	}
	expectNone(t, mark)
}

func TestNothingSurvivesAStormOfDaemons(t *testing.T) {
	mark := newMark()
	c := start(t, Spec{Command: as(mark, "storm")})
	readLine(t, bufio.NewReader(c.Stdout))
	time.Sleep(50 * time.Millisecond)
	c.Kill()
	ends(t, c)
	if left := marked(t, mark); len(left) > 0 {
		t.Errorf("done, but %v live", left)
	}
}

// startProxy starts a proxy of its own, whose family is up, and returns it
// with the process id of its guard.
func startProxy(t *testing.T, mark string) (proxy *exec.Cmd, guard int) {
	t.Helper()
	proxy = exec.Command("/proc/self/exe", "proxy", mark)
	out, err := proxy.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Process.Kill(); _ = proxy.Wait(); _ = KillOrphans() })
	guard, err = strconv.Atoi(readLine(t, bufio.NewReader(out)))
	if err != nil {
		t.Fatal(err)
	}
	if got := marked(t, mark); len(got) != familySize+1 {
		t.Fatalf("the proxy and its family are %v", got)
	}
	return proxy, guard
}

func TestNothingSurvivesTheProxy(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGABRT} {
		mark := newMark()
		proxy, guard := startProxy(t, mark)
		if err := proxy.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		_ = proxy.Wait() // killed, as it should be
		expectNone(t, mark)
		waitGone(t, guard)
	}
}

func TestProxyKillsWhatItsGuardLeft(t *testing.T) {
	mark := newMark()
	_, guard := startProxy(t, mark)
	if err := syscall.Kill(guard, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(limit); len(marked(t, mark)) > 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("beside the proxy, %v survive", marked(t, mark))
		}
	}
}

// The limit: with proxy and guard killed at the same instant, the kernel still
// kills the command itself.
func TestTheCommandDiesEvenIfProxyAndGuardDoAtOnce(t *testing.T) {
	mark := newMark()
	proxy, guard := startProxy(t, mark)
	command := childOf(t, guard)
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} { // stopped, neither can act on the other's end
		for _, pid := range []int{proxy.Process.Pid, guard} {
			if err := syscall.Kill(pid, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = proxy.Wait()
	waitGone(t, command)
}

func childOf(t *testing.T, parent int) int {
	t.Helper()
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.parent == parent && p.group == p.pid && p.session == parent {
			return p.pid
		}
	}
	t.Fatalf("process %d has no command", parent)
	return 0
}

// waitGone fails unless the process, whose parent is gone, is dead soon.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if p, _ := parseStat(pid, stat); err != nil || p.zombie {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d survives", pid)
		}
	}
}
