package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a started HTTP server that said where it listens.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	url   string
}

// serving starts a command and reads on from until it names its URL.
func serving(argv, env []string) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = write, write
	p := &process{cmd: cmd}
	p.stdin, err = cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err = errors.Join(err, write.Close()); err != nil { // else the end of what it says is never seen
		return nil, err
	}
	where := regexp.MustCompile(`https?://127\.0\.0\.1:\d+/mcp`)
	lines, said := bufio.NewScanner(read), ""
	for p.url == "" && lines.Scan() {
		p.url, said = where.FindString(lines.Text()), said+lines.Text()+"\n"
	}
	if p.url == "" {
		return nil, errors.Join(fmt.Errorf("%s does not serve: %s", argv[0], said), cmd.Wait())
	}
	go func() { _, _ = io.Copy(os.Stderr, read) }() // what it says later is for whoever looks
	return p, nil
}

// stop ends it and waits.
func (p *process) stop() error {
	err := errors.Join(p.stdin.Close(), p.cmd.Process.Signal(syscall.SIGTERM))
	_ = p.cmd.Wait() // ended by the signal, which is no failure
	return err
}

// memory is the process's resident set, in bytes.
func (p *process) memory() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), "VmRSS:")
	kib, err := strconv.ParseInt(strings.Fields(after + " -")[0], 10, 64)
	return kib << 10, err
}

// processor is the processor time that the process has used, in steps of 10 ms.
// Source: proc_pid_stat(5).
func (p *process) processor() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b)[strings.LastIndexByte(string(b), ')')+1:])
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
