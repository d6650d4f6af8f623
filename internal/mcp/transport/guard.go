//go:build linux && !unguarded

package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The file descriptors a guard inherits beside standard input, output and
// error, which are the command's.
const (
	controlFD = 3 // to read: the order, then one byte for each signal to pass on; its end is the proxy's end
	reportFD  = 4 // to write: the lines of report.go
)

// The exit codes of a guard whose command never ran, as shells use them.
const (
	exitMisuse   = 2
	exitNotFound = 127
	exitNotExec  = 126
)

// guard is the parent of one command.
type guard struct {
	pid     int
	report  *os.File
	ended   chan syscall.WaitStatus // the command's, once
	nothing chan struct{}           // closed when no descendant is left
}

// RunGuard is the guard process: it starts what the proxy orders, passes
// signals on, and ends when the command and everything below it has ended. It
// returns the exit code for the process: the command's own, or 128 plus the
// signal that ended it. It takes no arguments, and must be called before
// anything else in main, because nothing is guarded until it runs.
func RunGuard(args []string) int {
	if len(args) > 0 || !isPipe(controlFD) || !isPipe(reportFD) {
		fmt.Fprintln(os.Stderr, "guard: started by the proxy itself, to end its server when it ends; there is nothing to run by hand")
		return exitMisuse
	}
	// PR_SET_PDEATHSIG tells of the end of the thread that started the
	// command, so that thread must live as long as the guard.
	runtime.LockOSThread()
	g := &guard{report: os.NewFile(reportFD, "report"), ended: make(chan syscall.WaitStatus, 1), nothing: make(chan struct{})}
	control := os.NewFile(controlFD, "control")

	if err := errors.Join(closeOnExec(), Undumpable(), Subreaper()); err != nil {
		var errno syscall.Errno
		errors.As(err, &errno)
		return g.fail(reportBroken, errno, exitMisuse)
	}
	o, err := readOrder(control)
	if err != nil {
		return exitMisuse // the proxy is gone already
	}
	var errno syscall.Errno
	if err := g.start(o); errors.As(err, &errno) {
		code := exitNotExec
		if errno == syscall.ENOENT {
			code = exitNotFound
		}
		return g.fail(reportFailed, errno, code)
	}
	g.say(reportStarted, g.pid)
	go g.reap()
	return g.watch(control)
}

func isPipe(fd int) bool {
	var stat unix.Stat_t
	return unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFIFO
}

// closeOnExec keeps the control and report pipes, and whatever else the proxy
// was started with, away from the command.
func closeOnExec() error {
	err := unix.CloseRange(controlFD, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil { // before Linux 5.11
		unix.CloseOnExec(controlFD)
		unix.CloseOnExec(reportFD)
	}
	return nil
}

// start runs the command in a group of its own, and lets go of its input and
// output: the proxy must see them end when the command closes them.
func (g *guard) start(o order) (err error) {
	g.pid, err = syscall.ForkExec(o.path, o.args, &syscall.ProcAttr{
		Dir: o.dir, Env: o.env, Files: []uintptr{0, 1, 2},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		_ = syscall.Close(0)
		_ = syscall.Close(1)
		return nil
	}
	_ = syscall.Dup3(int(null.Fd()), 0, 0)
	_ = syscall.Dup3(int(null.Fd()), 1, 0)
	return nil
}

// reap collects every child, the adopted ones included, until there is none:
// each living descendant has an ancestor among them, so none is left then.
func (g *guard) reap() {
	defer close(g.nothing)
	for {
		var status syscall.WaitStatus
		switch pid, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return
		case pid == g.pid:
			g.ended <- status
		}
	}
}

// watch passes signals on until the command ends or the proxy lets go, then
// kills whatever is left.
func (g *guard) watch(control io.Reader) int {
	passed := make(chan os.Signal, 8)
	signal.Notify(passed, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		for b := make([]byte, 1); ; {
			if _, err := io.ReadFull(control, b); err != nil {
				return
			}
			passed <- syscall.Signal(b[0])
		}
	}()
	for {
		select {
		case s := <-passed:
			_ = syscall.Kill(g.pid, s.(syscall.Signal)) // it may have ended just now
		case status := <-g.ended:
			code := g.tell(status)
			g.clear()
			return code
		case <-lost:
			g.clear()
			return g.tell(<-g.ended)
		}
	}
}

// clear kills until nothing is left below the guard.
func (g *guard) clear() {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if all, err := processes(); err == nil {
			killAll(below(all, os.Getpid()))
		} else { // no /proc: at least the command and its group
			_ = syscall.Kill(-g.pid, syscall.SIGKILL)
		}
		select {
		case <-g.nothing:
			return
		case <-time.After(pause):
		}
	}
}

func (g *guard) tell(status syscall.WaitStatus) int {
	if status.Signaled() {
		g.say(reportKilled, int(status.Signal()))
		return 128 + int(status.Signal())
	}
	g.say(reportExited, status.ExitStatus())
	return status.ExitStatus()
}

func (g *guard) fail(word string, errno syscall.Errno, code int) int {
	g.say(word, int(errno))
	return code
}

func (g *guard) say(word string, number int) {
	_, _ = fmt.Fprintln(g.report, word, number) // nobody listens if the proxy is gone
}
