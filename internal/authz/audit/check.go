package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Failures is how many records could not be written.
func (l *Log) Failures() uint64 { return l.failures.Load() }

// Check reports whether the next record could be written, as far as can be told
// without one: after a failure, a record says that the log is looked at again.
func (l *Log) Check() error {
	l.mu.Lock()
	broken, device := l.broken, l.mark == nil
	l.mu.Unlock()
	if broken {
		return l.Append(Record{Phase: PhaseEvent, DecisionID: NewID(), Class: "audit", Message: "records could not be written before this one"})
	}
	if device {
		return nil
	}
	path := l.path
	there, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		path = filepath.Dir(path) // was moved away: the next record makes it anew
	case err != nil:
		return fmt.Errorf("%w: %w", ErrAudit, err)
	case !there.Mode().IsRegular():
		return fmt.Errorf("%w: %s is not a file any more", ErrAudit, path)
	}
	switch full, err := diskFull(path); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrAudit, err)
	case full:
		return fmt.Errorf("%w: the disk is full", ErrAudit)
	}
	return nil
}
