//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"
)

// patience is how long anything here may take to start or to end, on a machine that
// may stand still for some seconds.
const patience = 2 * time.Minute

// process is a child that speaks on standard input and output; all three of
// its streams are kept.
type process struct {
	cmd                    *exec.Cmd
	in                     io.WriteCloser
	out                    io.ReadCloser
	sent, received, stderr testkit.Output
	ended                  chan struct{} // closed once it was waited for
}

// start runs argv with exactly env, as the head of a process group of its own.
func start(dir string, env []string, argv ...string) (*process, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, env, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not StdoutPipe: Wait would close it while a reader still reads.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout = write
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(argv[0]), err)
	}
	write.Close()
	p.in, p.out = teeWriter{in, &p.sent}, teeReader{read, &p.received}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	return p, nil
}

type teeWriter struct {
	io.WriteCloser
	copy *testkit.Output
}

func (w teeWriter) Write(b []byte) (int, error) {
	w.copy.Write(b)
	return w.WriteCloser.Write(b)
}

type teeReader struct {
	io.ReadCloser
	copy *testkit.Output
}

func (r teeReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.copy.Write(b[:n])
	return n, err
}

// stop ends the process the polite way, by closing its input, and reports
// what outlived it, after killing that too.
func (p *process) stop() error {
	family := descendants(p.cmd.Process.Pid)
	p.in.Close()
	var late error
	select {
	case <-p.ended:
	case <-time.After(patience):
		late = fmt.Errorf("still running %s after its input was closed", patience)
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
	p.out.Close()
	for _, pid := range family {
		if alive(pid) {
			late = errors.Join(late, fmt.Errorf("process %d outlived it: %s", pid, commandLine(pid)))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return late
}

// closeAfter stops p at the end of the test, which fails if anything is left.
func closeAfter(t *testing.T, p *process) {
	t.Helper()
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Logf("standard error of %s:\n%s", p.cmd.Path, p.stderr.String())
		}
	})
}

// descendants lists the processes below pid.
func descendants(pid int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// pid (comm) state ppid …; comm may hold anything, even parentheses.
		_, after, _ := strings.Cut(string(b[bytes.LastIndexByte(b, ')'):]), " ")
		fields := strings.Fields(after)
		self, err1 := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, err2 := strconv.Atoi(fields[1])
		if err1 == nil && err2 == nil {
			children[parent] = append(children[parent], self)
		}
	}
	below := children[pid]
	for i := 0; i < len(below); i++ {
		below = append(below, children[below[i]]...)
	}
	return below
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// commandLine returns the arguments of a process, with spaces between.
func commandLine(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(bytes.ReplaceAll(b, []byte{0}, []byte{' '})))
}
