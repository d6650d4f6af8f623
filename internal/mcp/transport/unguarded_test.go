//go:build unix && (!linux || unguarded)

package transport

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// limit is for what ends at once, on a machine that is busy.
const limit = time.Minute

func startShell(t *testing.T, script string, stderr io.Writer) *Child {
	t.Helper()
	c, err := Start(Spec{Command: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin", "A=1"}, Stderr: stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Kill(); c.Wait(); c.Stdin.Close(); c.Stdout.Close() })
	return c
}

func line(t *testing.T, c *Child) string {
	t.Helper()
	text, err := bufio.NewReader(c.Stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

func TestWithoutAGuardAChildSpeaksAndEnds(t *testing.T) {
	var stderr bytes.Buffer
	c := startShell(t, `echo said >&2; echo "$A$HOME"; cat; exit 3`, &stderr)
	if got := line(t, c); got != "1" {
		t.Errorf("its environment is %q", got)
	}
	if exit := c.Stop(limit); exit.Code != 3 || exit.Signal != 0 || exit.Err != nil {
		t.Errorf("got %v", exit)
	}
	if stderr.String() != "said\n" {
		t.Errorf("standard error is %q", &stderr)
	}
	if err := c.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("err = %v", err)
	}
}

func TestWithoutAGuardASignalArrives(t *testing.T) {
	c := startShell(t, `trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done`, nil)
	line(t, c)
	if err := c.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if exit := c.Wait(); exit.Code != 5 {
		t.Errorf("got %v", exit)
	}
}

func TestWithoutAGuardAStubbornChildIsKilledWithItsGroup(t *testing.T) {
	c := startShell(t, `trap "" TERM; (trap "" TERM; while :; do sleep 1; done) & echo $!; while :; do sleep 1; done`, nil)
	line(t, c)
	if exit := c.Stop(100 * time.Millisecond); exit.Signal != syscall.SIGKILL || exit.Code != 137 {
		t.Errorf("got %v", exit)
	}
	if _, err := io.ReadAll(c.Stdout); err != nil { // ends when all that hold it have ended
		t.Error(err)
	}
}

func TestWithoutAGuardWhatIsWrongWithACommandIsSaid(t *testing.T) {
	if _, err := Start(Spec{Command: []string{"no-such-command-here"}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("err = %v", err)
	}
	if _, err := Start(Spec{Command: []string{"/etc/passwd"}}); !errors.Is(err, ErrCommand) || !strings.Contains(err.Error(), "chmod +x") {
		t.Errorf("err = %v", err)
	}
}
