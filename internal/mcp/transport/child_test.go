//go:build linux && !unguarded

package transport

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestChildSpeaksThroughItsPipes(t *testing.T) {
	var stderr bytes.Buffer
	c := start(t, Spec{Command: as("x", "echo"), Stderr: &stderr})
	message := strings.Repeat("x", 1<<20) + "\n"
	go io.WriteString(c.Stdin, message)
	if got := readLine(t, bufio.NewReader(c.Stdout)); len(got) != 1<<20 {
		t.Errorf("got %d bytes back", len(got))
	}
	if exit := c.Stop(limit); exit != (Exit{}) || exit.String() != "exit code 0" {
		t.Errorf("got %v", exit)
	}
	if !strings.HasPrefix(stderr.String(), "echo on standard error\n") {
		t.Errorf("standard error is %q", &stderr)
	}
	expectNoZombies(t)
}

func TestChildIsGivenExactlyWhatTheSpecSays(t *testing.T) {
	dir := t.TempDir()
	c := start(t, Spec{Command: as("x", "surround", "a b", "", "ü\xff"), Env: []string{"A=1", "B=x\ny", "TOKEN=\xfe"}, Dir: dir})
	got, err := io.ReadAll(c.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("dir %s\nargs a b||ü\xff\nenv A=1|B=x\ny|TOKEN=\xfe\nfd 0 nonblocking false\nfd 1 nonblocking false\nfd 2 nonblocking false\ngroup true\n", dir)
	if string(got) != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestGuardHoldsNoSecret(t *testing.T) {
	c := start(t, Spec{Command: as("x", "echo", "SECRET"), Env: []string{"TOKEN=SECRET"}})
	for _, file := range []string{"cmdline", "environ"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.guard.Process.Pid, file))
		if bytes.Contains(content, []byte("SECRET")) || err != nil && file == "cmdline" {
			t.Errorf("%s of the guard is %q, %v", file, content, err)
		}
	}
}

func TestExitIsTheCommandsOwn(t *testing.T) {
	for _, code := range []int{0, 1, 7, 127, 255} {
		c := start(t, Spec{Command: as("x", "exit", fmt.Sprint(code))})
		if exit := ends(t, c); exit != (Exit{Code: code}) {
			t.Errorf("exit %d: got %+v", code, exit)
		}
	}
	c := start(t, Spec{Command: as("x", "sleep")})
	if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exit := ends(t, c)
	if exit != (Exit{Code: 137, Signal: syscall.SIGKILL}) || exit.String() != "signal killed" {
		t.Errorf("got %+v", exit)
	}
}

func TestSignalReachesTheCommand(t *testing.T) {
	c := start(t, Spec{Command: as("x", "signals")})
	lines := bufio.NewReader(c.Stdout)
	readLine(t, lines)
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTERM} {
		if err := c.Signal(s); err != nil {
			t.Fatal(err)
		}
		if got := readLine(t, lines); got != s.String() {
			t.Errorf("sent %v, got %s", s, got)
		}
	}
	// One that an operator sends to the guard goes the same way.
	if err := syscall.Kill(c.guard.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := readLine(t, lines); got != "terminated" {
		t.Errorf("got %s", got)
	}
	if err := c.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ends(t, c)
	if err := c.Signal(syscall.SIGTERM); err != os.ErrProcessDone {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestStopEndsEvenAStubbornCommand(t *testing.T) {
	mark := newMark()
	c := start(t, Spec{Command: as(mark, "stubborn")})
	readLine(t, bufio.NewReader(c.Stdout))
	began := time.Now()
	exit := c.Stop(100 * time.Millisecond)
	if exit.Signal != syscall.SIGKILL || time.Since(began) < 200*time.Millisecond {
		t.Errorf("got %v after %v", exit, time.Since(began))
	}
	if again := c.Stop(0); again != exit {
		t.Errorf("a second stop says %v", again)
	}
	expectNone(t, mark)
	expectNoZombies(t)
}

func TestStopSendsSIGTERMToACommandThatWantsIt(t *testing.T) {
	for grace := 50 * time.Millisecond; ; grace *= 4 { // more where the machine stood still
		c := start(t, Spec{Command: as("x", "sleep")}) // does not read its input
		exit := c.Stop(grace)
		if exit == (Exit{Code: 143, Signal: syscall.SIGTERM}) {
			return
		}
		if grace > limit/5 || exit.Signal != syscall.SIGKILL {
			t.Fatalf("got %+v after %v", exit, grace)
		}
	}
}

func TestStderrCanBeAFile(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := start(t, Spec{Command: as("x", "echo"), Stderr: file})
	c.Stop(limit)
	if got, err := os.ReadFile(file.Name()); !strings.HasPrefix(string(got), "echo on standard error\n") {
		t.Errorf("got %q, %v", got, err)
	}
}

// A writer that fails must not block the command on a full pipe.
func TestStderrThatCannotBeWrittenIsDrained(t *testing.T) {
	read, write := io.Pipe()
	read.Close()
	c := start(t, Spec{Command: []string{"sh", "-c", "head -c 300000 /dev/zero >&2"}, Env: []string{"PATH=" + os.Getenv("PATH")}, Stderr: write})
	if exit := ends(t, c); exit != (Exit{}) {
		t.Errorf("got %v", exit)
	}
}

func TestStartsLeaveNothingOpen(t *testing.T) {
	open := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	run := func() {
		c := start(t, Spec{Command: as("x", "exit", "0")})
		c.Wait()
		c.Stdin.Close()
		c.Stdout.Close()
		if _, err := Start(Spec{Command: []string{"sh"}, Env: []string{"A=" + strings.Repeat("x", 8<<20)}}); err == nil {
			t.Error("the guard took too long an environment")
		}
	}
	run()
	before := open()
	for range 3 {
		run()
	}
	if after := open(); after > before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}
