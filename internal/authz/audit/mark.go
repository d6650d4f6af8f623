package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// mark is the file beside a log, ".NAME.head", that says where the log ends. It
// outlives the log's rotation: the chain goes on in the new file, whichever
// process writes first. Its lock makes one writer of several processes.
type mark struct{ file *os.File }

// end is what a mark says.
type end struct {
	head Head
	size int64 // of the log, once the head's line was written
}

// markSize is more than a mark needs: it is overwritten in place, which needs no
// room on the disk.
const markSize = 128

var errMark = errors.New("malformed")

func markPath(log string) string {
	return filepath.Join(filepath.Dir(log), "."+filepath.Base(log)+".head")
}

func openMark(log string) (*mark, error) {
	f, err := os.OpenFile(markPath(log), os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a file", f.Name()), err, f.Close())
	}
	return &mark{f}, nil
}

// lockTime is how long a writer waits for the others: a record that waits is a
// call that waits.
const lockTime = 5 * time.Second

// lock makes this process the one that writes, until unlock.
func (m *mark) lock() (unlock func(), err error) {
	waited := time.Duration(0) // and no time in which the machine stood still, and the others with it
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		switch held, err := tryLock(m.file); {
		case err != nil:
			return nil, fmt.Errorf("lock %s: %w", m.file.Name(), err)
		case held:
			return func() { unlockFile(m.file) }, nil
		case waited > lockTime:
			return nil, fmt.Errorf("lock %s: another process has held it for %s", m.file.Name(), lockTime)
		}
		time.Sleep(pause)
		waited += pause
	}
}

// read returns what the mark says; the zero end if it is new.
func (m *mark) read() (end, error) {
	b := make([]byte, markSize)
	n, err := m.file.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return end{}, err
	}
	return parseMark(b[:n])
}

func parseMark(b []byte) (e end, err error) {
	if len(b) == 0 {
		return end{}, nil
	}
	head, size, ok := strings.Cut(strings.TrimRight(string(b), " \n"), " ")
	if e.head, err = ParseHead(head); err != nil || !ok {
		return end{}, errMark
	}
	if e.size, err = strconv.ParseInt(size, 10, 64); err != nil || e.size < 0 {
		return end{}, errMark
	}
	return e, nil
}

func (m *mark) write(e end) error {
	_, err := m.file.WriteAt(fmt.Appendf(nil, "%-*s\n", markSize-1, fmt.Sprintf("%s %d", e.head, e.size)), 0)
	return err
}

// ReadMark returns the head that the mark beside a log says; false if there is
// none. Whoever can write the log can write it too: it finds accidents, and
// proves nothing.
func ReadMark(log string) (Head, bool, error) {
	b, err := os.ReadFile(markPath(log))
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, false, nil
	}
	if err != nil {
		return Head{}, false, fmt.Errorf("read audit log's mark: %w", err)
	}
	e, err := parseMark(b)
	if err != nil {
		return Head{}, false, fmt.Errorf("read audit log's mark: %s: %w", markPath(log), err)
	}
	return e.head, e.head != Head{}, nil
}
