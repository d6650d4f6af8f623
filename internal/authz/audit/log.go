package audit

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrAudit is the class of a record that could not be kept.
var ErrAudit = errors.New("audit record cannot be written")

// Log appends records to one file. It is safe for concurrent use, and several
// processes may append to the same file.
type Log struct {
	mu   sync.Mutex
	file *os.File
	run  string
	seq  uint64
	torn bool // the last write was cut short; the next line starts on its own

	broken   bool // the last record is not there
	failures atomic.Uint64
}

// Open opens the log for appending and creates it, mode 0600, and its
// directory, mode 0700, if they are missing. An existing file keeps its mode.
// A link, a pipe or a directory is refused: a record must not wait for a reader.
func Open(path string) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("open audit log: %s is a symbolic link; name the file itself", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && info.Mode()&os.ModeCharDevice == 0 {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	return &Log{file: f, run: rand.Text()[:12]}, nil
}

// Append writes r as one line, with the run, the sequence number and the time
// filled in. An error is of class ErrAudit and means that the line is not
// there: what it records must not happen.
func (l *Log) Append(r Record) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		if l.broken = err != nil; l.broken {
			l.failures.Add(1)
		}
	}()
	r.RunID, r.Seq = l.run, l.seq+1
	if r.Timestamp.IsZero() {
		r.Timestamp = time.Now().UTC()
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAudit, err)
	}
	line = append(line, '\n')
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := l.file.Write(line)
	if err != nil {
		l.torn = l.torn || n > 0
		return fmt.Errorf("%w: %w", ErrAudit, err)
	}
	l.torn = false
	l.seq++
	return nil
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// NewID returns a decision id: 20 letters and digits, lower case, so that it
// fits a session name and can be typed. It holds 100 random bits.
func NewID() string { return strings.ToLower(rand.Text()[:20]) }
