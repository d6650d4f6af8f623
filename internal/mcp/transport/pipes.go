//go:build linux && !unguarded

package transport

import (
	"errors"
	"io"
	"os"
	"time"
)

// pipe is a pipe with an end here and an end there.
type pipe struct{ ours, theirs *os.File }

// pipes are what connects the proxy with a guard and its command. Every end is
// close-on-exec, so no other child of the proxy gets one by accident.
type pipes struct{ stdin, stdout, stderr, control, report pipe }

func openPipes() (*pipes, error) {
	p := &pipes{}
	var errs [5]error
	p.stdin.theirs, p.stdin.ours, errs[0] = os.Pipe()
	p.stdout.ours, p.stdout.theirs, errs[1] = os.Pipe()
	p.stderr.ours, p.stderr.theirs, errs[2] = os.Pipe()
	p.control.theirs, p.control.ours, errs[3] = os.Pipe()
	p.report.ours, p.report.theirs, errs[4] = os.Pipe()
	if err := errors.Join(errs[:]...); err != nil {
		p.closeOurs()
		p.closeTheirs()
		return nil, err
	}
	return p, nil
}

// Closing twice, or what was never opened, is harmless.
func (p *pipes) closeOurs() {
	for _, x := range []pipe{p.stdin, p.stdout, p.stderr, p.control, p.report} {
		_ = x.ours.Close()
	}
}

func (p *pipes) closeTheirs() {
	for _, x := range []pipe{p.stdin, p.stdout, p.stderr, p.control, p.report} {
		_ = x.theirs.Close()
	}
}

// copying moves the command's standard error to a writer.
type copying struct {
	from *os.File
	done chan struct{}
}

func startCopy(to io.Writer, from *os.File) *copying {
	c := &copying{from, make(chan struct{})}
	if to == nil {
		to = io.Discard
	}
	go func() {
		defer close(c.done)
		defer from.Close()
		if _, err := io.Copy(to, from); err != nil {
			_, _ = io.Copy(io.Discard, from) // a command must not block on what nobody takes
		}
	}()
	return c
}

// finish waits until everything is copied, but not for a writer that blocks.
func (c *copying) finish() {
	select {
	case <-c.done:
	case <-time.After(time.Second):
		_ = c.from.Close()
	}
}
