package audit

import (
	"errors"
	"fmt"
	"syscall"
)

// Failures is how many records could not be written.
func (l *Log) Failures() uint64 { return l.failures.Load() }

// Check reports whether the next record could be written, as far as can be told
// without one: after a failure, a record says that the log is looked at again.
func (l *Log) Check() error {
	l.mu.Lock()
	broken := l.broken
	l.mu.Unlock()
	if broken {
		return l.Append(Record{Phase: PhaseEvent, DecisionID: NewID(), Class: "audit", Message: "records could not be written before this one"})
	}
	var file syscall.Stat_t
	var disk syscall.Statfs_t
	raw, err := l.file.SyscallConn() // Fd could make the file one that a write waits for
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAudit, err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = errors.Join(syscall.Fstat(int(fd), &file), syscall.Fstatfs(int(fd), &disk))
	}); err != nil || failed != nil {
		return fmt.Errorf("%w: %w", ErrAudit, errors.Join(err, failed))
	}
	switch regular := file.Mode&syscall.S_IFMT == syscall.S_IFREG; {
	case regular && file.Nlink == 0:
		return fmt.Errorf("%w: the file was removed; restart the proxy", ErrAudit)
	case regular && disk.Bavail == 0:
		return fmt.Errorf("%w: the disk is full", ErrAudit)
	}
	return nil
}
