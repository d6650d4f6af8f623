//go:build !linux || unguarded

package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Caveat is what this system cannot promise, for the proxy to say when it starts;
// empty on Linux. The tag "unguarded" builds this file on Linux, to test it.
const Caveat = "on " + runtime.GOOS + " nothing guards the server: " + unguardedKill +
	", what is left if the proxy itself is killed must end by itself, and other programs of the same user can read the proxy's memory; run it on Linux, in a container or a virtual machine, for production"

// RunGuard only explains itself: there is no guard here.
func RunGuard([]string) int {
	fmt.Fprintln(os.Stderr, "guard: there is none on "+runtime.GOOS)
	return 2
}

// Undumpable turns core dumps off where the system has them.
func Undumpable() error { return noCore() }

// Subreaper does nothing: only Linux has them.
func Subreaper() error { return nil }

// KillOrphans finds nothing: orphans do not come here.
func KillOrphans() error { return nil }

// Child is a running command, without a guard.
type Child struct {
	// Stdin and Stdout are the command's own; nothing stands between. Stdout
	// ends when all that holds it has ended. Read it to its end, then close it.
	Stdin  io.WriteCloser
	Stdout io.ReadCloser

	cmd  *exec.Cmd
	done chan struct{}
	exit Exit // once done

	mu    sync.Mutex // held to signal, and to see that there is nothing to signal any more
	ended bool
}

// stderrTime is how long what is left of standard error is waited for, which
// something that outlives the command may hold.
const stderrTime = time.Second

// Start starts the command and returns when it runs. The error is an ErrCommand
// that says what is wrong with the command.
func Start(spec Spec) (*Child, error) {
	o, err := spec.order()
	if err != nil {
		return nil, err
	}
	stdin, in, errIn := os.Pipe()
	out, stdout, errOut := os.Pipe()
	if err := errors.Join(errIn, errOut); err != nil {
		closeAll(stdin, in, out, stdout)
		return nil, fmt.Errorf("%w: %w", ErrCommand, err)
	}
	cmd := &exec.Cmd{Path: o.path, Args: o.args, Env: o.env, Dir: o.dir, Stdin: stdin, Stdout: stdout, Stderr: spec.Stderr, WaitDelay: stderrTime}
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be the proxy's own
	}
	ownGroup(cmd)
	err = cmd.Start()
	closeAll(stdin, stdout)
	if err != nil {
		closeAll(in, out)
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			return nil, explain(o.path, errno)
		}
		return nil, fmt.Errorf("%w: %w", ErrCommand, err)
	}
	c := &Child{Stdin: in, Stdout: out, cmd: cmd, done: make(chan struct{})}
	go c.watch()
	return c, nil
}

// Closing what was never opened is harmless.
func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// watch waits for the end of the command, and ends what it leaves as far as that
// can be done.
func (c *Child) watch() {
	_ = c.cmd.Wait() // how it ended is in ProcessState
	c.mu.Lock()
	c.ended = true
	killGroup(c.cmd.Process)
	c.mu.Unlock()
	c.exit = endOf(c.cmd.ProcessState)
	close(c.done)
}

// PID is the command's process id; it may have ended.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Signal passes a signal on to the command, where the system has any. The error
// is os.ErrProcessDone when it has ended.
func (c *Child) Signal(s os.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return os.ErrProcessDone
	}
	return c.cmd.Process.Signal(s)
}

// Stop asks the command to end, as MCP wants it: it closes Stdin, after the
// grace sends SIGTERM, and after the grace again kills. It returns when the
// command has ended. It may be called again, and at any time.
// Source: MCP, lifecycle: shutdown over stdio.
func (c *Child) Stop(grace time.Duration) Exit {
	_ = c.Stdin.Close() // closed already is fine
	if !c.endsWithin(grace) {
		if c.Signal(syscall.SIGTERM) != nil || !c.endsWithin(grace) {
			c.Kill()
		}
	}
	return c.Wait()
}

// Kill kills the command, with its process group where the system has one, and
// does not wait for the end. It may be called again, and at any time.
func (c *Child) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		killGroup(c.cmd.Process)
	}
}
