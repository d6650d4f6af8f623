package audit

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrAudit is the class of a record that could not be kept.
var ErrAudit = errors.New("audit record cannot be written")

// Log appends records to one file, as one chain. It is safe for concurrent use,
// and several processes may append to the same file. A file that was moved away
// is let go of, and the chain goes on in a new one.
type Log struct {
	mu   sync.Mutex
	path string
	file *os.File
	is   os.FileInfo // identity of file
	mark *mark       // nil: path is a device, which keeps nothing
	key  Key
	run  string
	at   end // where the log ended when this process last wrote

	broken   bool // the last record is not there
	failures atomic.Uint64
}

// Open is OpenWithKey without one.
func Open(path string) (*Log, error) { return OpenWithKey(path, nil) }

// OpenWithKey opens the log for appending and creates it, mode 0600, and its
// directory, mode 0700, if they are missing. An existing file keeps its mode.
// A link, a pipe or a directory is refused: a record must not wait for a reader.
// With a key, each line is signed.
func OpenWithKey(path string, key Key) (*Log, error) {
	l := &Log{path: path, key: key, run: rand.Text()[:12]}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	if err := l.reopen(); err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	if !l.is.Mode().IsRegular() {
		return l, nil
	}
	var err error
	if l.mark, err = openMark(path); err != nil {
		return nil, fmt.Errorf("open audit log: keep where it ends: %w", errors.Join(err, l.file.Close()))
	}
	return l, nil
}

// reopen opens what is at path now, and lets go of what was there before.
func (l *Log) reopen() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|noFollow|noWait, 0o600)
	if isLink(err) {
		return fmt.Errorf("%s is a symbolic link; name the file itself", l.path)
	}
	if err != nil {
		return err
	}
	is, err := f.Stat()
	if err == nil && !is.Mode().IsRegular() && (is.Mode()&os.ModeCharDevice == 0 || l.mark != nil) {
		err = fmt.Errorf("%s is not a file", l.path)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if l.file != nil {
		_ = l.file.Close() // each line is with the system already
	}
	l.file, l.is = f, is
	return nil
}

// Append writes r as one line, with the run, its place in the chain and the time
// filled in. An error is of class ErrAudit and means that the line is not to be
// relied on: what it records must not happen.
func (l *Log) Append(r Record) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		if l.broken = err != nil; l.broken {
			err = fmt.Errorf("%w: %w", ErrAudit, err)
			l.failures.Add(1)
		}
	}()
	if r.Timestamp.IsZero() {
		r.Timestamp = time.Now().UTC()
	}
	if l.mark == nil {
		_, err = l.write(r, l.at, false)
		return err
	}
	unlock, err := l.mark.lock()
	if err != nil {
		return err
	}
	defer unlock()
	size, err := l.follow()
	if err != nil {
		return err
	}
	at, torn, trouble := l.at, false, ""
	if size == 0 || size != at.size { // new, or somebody else wrote
		at, torn, trouble, err = l.ends(size)
	}
	if err != nil {
		return err
	}
	if trouble != "" {
		at, err = l.write(Record{Phase: PhaseEvent, DecisionID: NewID(), Timestamp: r.Timestamp, Class: "audit", Message: trouble}, at, torn)
		if err != nil {
			return err
		}
		torn = false
	}
	if at, err = l.write(r, at, torn); err != nil {
		return err
	}
	return l.mark.write(at)
}

// follow returns the size of the log, after it went along if the file was moved
// away. Only who holds the lock may call it.
func (l *Log) follow() (size int64, err error) {
	there, err := os.Lstat(l.path)
	if err == nil && os.SameFile(there, l.is) {
		return there.Size(), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if err := l.reopen(); err != nil {
		return 0, err
	}
	l.at.size = -1 // of another file
	return l.is.Size(), nil
}

// write writes one line behind at, and says where the log ends then. After a
// line that was cut short it starts on its own.
func (l *Log) write(r Record, at end, torn bool) (end, error) {
	r.RunID, r.Seq, r.Prev, r.MAC = l.run, at.head.Seq+1, hex.EncodeToString(at.head.Hash[:]), ""
	line, err := json.Marshal(r)
	if err != nil {
		return at, err
	}
	line = l.key.sign(line)
	head := headAt(r.Seq, line)
	line = append(line, '\n')
	if torn {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := l.file.Write(line); err != nil {
		return at, err
	}
	l.at = end{head, at.size + int64(len(line))}
	return l.at, nil
}

// Head is the head of the last line that this process wrote: once there, no
// line up to it can be changed or removed unseen by who kept the head.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at.head
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mark == nil {
		return l.file.Close()
	}
	return errors.Join(l.file.Close(), l.mark.file.Close())
}

// NewID returns a decision id: 20 letters and digits, lower case, so that it
// fits a session name and can be typed. It holds 100 random bits.
func NewID() string { return strings.ToLower(rand.Text()[:20]) }
