//go:build linux && !unguarded

package transport

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// guardTime is how long a guard may take to kill its command before it is
// taken to hang and is killed itself.
const guardTime = 2 * time.Second

// Child is a running command under its guard.
type Child struct {
	// Stdin and Stdout are the command's own; nothing stands between. Stdout
	// ends when all that holds it has ended. Read it to its end, then close it.
	Stdin  io.WriteCloser
	Stdout io.ReadCloser

	pid    int // the command's
	guard  *exec.Cmd
	pipes  *pipes
	report *bufio.Scanner
	stderr *copying
	done   chan struct{}
	exit   Exit // once done

	mu       sync.Mutex
	released bool // the control pipe is closed
}

// Start starts the command under a guard and returns when it runs. The error
// is an ErrCommand that says what is wrong with the command, or an ErrGuard.
// Subreaper must have been called in this process.
func Start(spec Spec) (*Child, error) {
	o, err := spec.order()
	if err != nil {
		return nil, err
	}
	message, err := o.encode()
	if err != nil {
		return nil, err
	}
	c, err := startGuard(spec)
	if err != nil {
		return nil, fmt.Errorf("%w: start: %w", ErrGuard, err)
	}
	_, _ = c.pipes.control.ours.Write(message) // a guard that is gone already has reported why
	if err := c.started(o.path); err != nil {
		c.Kill()
		c.finish(Exit{})
		c.pipes.closeOurs()
		return nil, err
	}
	go c.watch()
	return c, nil
}

// startGuard starts a guard that waits for its order.
func startGuard(spec Spec) (*Child, error) {
	p, err := openPipes()
	if err != nil {
		return nil, err
	}
	defer p.closeTheirs()
	path, args := spec.guard()
	cmd := &exec.Cmd{
		Path: path, Args: args, Env: []string{},
		Stdin: p.stdin.theirs, Stdout: p.stdout.theirs, Stderr: p.stderr.theirs,
		ExtraFiles:  []*os.File{controlFD - 3: p.control.theirs, reportFD - 3: p.report.theirs},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if file, ok := spec.Stderr.(*os.File); ok {
		cmd.Stderr = file
	}
	guards.Lock()
	defer guards.Unlock()
	if err := cmd.Start(); err != nil {
		p.closeOurs()
		return nil, err
	}
	guards.pids[cmd.Process.Pid] = true
	return &Child{
		Stdin: p.stdin.ours, Stdout: p.stdout.ours, guard: cmd, pipes: p,
		report: bufio.NewScanner(p.report.ours), stderr: startCopy(spec.Stderr, p.stderr.ours), done: make(chan struct{}),
	}, nil
}

// started waits until the guard says that the command runs.
func (c *Child) started(path string) error {
	if !c.report.Scan() {
		return fmt.Errorf("%w: it ended before it started the server", ErrGuard)
	}
	word, number, err := parseReport(c.report.Text())
	switch {
	case err != nil:
		return err
	case word == reportStarted:
		c.pid = number
		return nil
	case word == reportFailed:
		return explain(path, syscall.Errno(number))
	}
	return fmt.Errorf("%w: it cannot guard: %w", ErrGuard, syscall.Errno(number))
}

// watch waits for the guard's last word, and for its end.
func (c *Child) watch() {
	last := unreported
	for c.report.Scan() {
		if word, number, err := parseReport(c.report.Text()); err == nil {
			last = exitOf(word, number)
		}
	}
	c.finish(last)
}

// finish reaps the guard, kills what it may have left, and tells everybody.
func (c *Child) finish(e Exit) {
	_ = c.guard.Wait() // how the guard ended does not matter: its report does
	guards.Lock()
	delete(guards.pids, c.guard.Process.Pid)
	guards.Unlock()
	if err := KillOrphans(); err != nil && e.Err == nil {
		e.Err = err
	}
	c.stderr.finish()
	c.release()
	_ = c.pipes.report.ours.Close()
	c.exit = e
	close(c.done)
}

// PID is the command's process id; it may have ended.
func (c *Child) PID() int { return c.pid }

// Signal passes a signal on to the command, but not to its children; SIGKILL
// is Kill. The error is os.ErrProcessDone when it has ended.
func (c *Child) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok || number < 1 || number > 64 {
		return fmt.Errorf("signal server: %v is not a signal", s)
	}
	if number == syscall.SIGKILL {
		c.Kill()
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return os.ErrProcessDone
	}
	if _, err := c.pipes.control.ours.Write([]byte{byte(number)}); err != nil {
		return os.ErrProcessDone
	}
	return nil
}

// Stop asks the command to end, as MCP wants it: it closes Stdin, after the
// grace sends SIGTERM, and after the grace again kills. It returns when
// everything has ended. It may be called again, and at any time.
// Source: MCP, lifecycle: shutdown over stdio.
func (c *Child) Stop(grace time.Duration) Exit {
	_ = c.Stdin.Close() // closed already is fine
	if !c.endsWithin(grace) {
		_ = c.Signal(syscall.SIGTERM) // ended just now is fine
		if !c.endsWithin(grace) {
			c.Kill()
		}
	}
	return c.Wait()
}

// Kill kills the command and everything below it and does not wait for the
// end. It may be called again, and at any time.
func (c *Child) Kill() {
	if !c.release() {
		return
	}
	go func() {
		if !c.endsWithin(guardTime) {
			_ = c.guard.Process.Kill() // it hangs; finish kills what it leaves
		}
	}()
}

// release closes the control pipe, which ends the guard; true the first time.
func (c *Child) release() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released {
		return false
	}
	c.released = true
	_ = c.pipes.control.ours.Close()
	return true
}
