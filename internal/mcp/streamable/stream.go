package streamable

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The bounds of one stream. What a reader has not taken beyond the first is
// lost to it: the stream is cut. The second is kept for a reader that comes
// back with Last-Event-ID.
const (
	maxUnread = 20 << 20
	maxKept   = 64 << 10
)

// writeTime is how long one event may take to be written.
const writeTime = 30 * time.Second

// keepAlive is how often an idle stream says that it lives, so that nothing in
// between cuts it.
const keepAlive = 15 * time.Second

// opening is how long a stream waits for its first message before its header is
// written: an answer that comes before needs no write of its own for it.
const opening = 20 * time.Millisecond

// stream is the messages for one reader: those of one POST, or of the GET.
type stream struct {
	id       string
	standing bool // it is of no request: nothing may come for long

	mu     sync.Mutex
	first  int      // number of lines[0]
	lines  [][]byte // kept, read or not
	bytes  int
	read   int // number of the next line that nobody has read
	ended  bool
	change chan struct{} // closed at the next change; nil if nobody waits for it
}

func newStream(id string) *stream { return &stream{id: id} }

// put adds a line; last says that none follows.
func (s *stream) put(line []byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if line != nil {
		s.lines = append(s.lines, line)
		s.bytes += len(line)
	}
	s.ended = last
	s.trim()
	for s.bytes > maxUnread && len(s.lines) > 1 {
		s.drop() // the reader will find a gap, and is cut
	}
	if s.change != nil {
		close(s.change)
		s.change = nil
	}
}

// taken says that a reader has the line with this number.
func (s *stream) taken(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = max(s.read, number+1)
	s.trim()
}

// trim keeps of what was read only so much; the caller holds the lock.
func (s *stream) trim() {
	for s.bytes > maxKept && s.first < s.read {
		s.drop()
	}
}

// size is how many bytes are kept.
func (s *stream) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

func (s *stream) drop() {
	s.bytes -= len(s.lines[0])
	s.lines[0] = nil
	s.lines = s.lines[1:]
	s.first++
}

// next waits for the line with this number; ok is false when there will be
// none, or it is not kept any more. idle is called when none has come for a while,
// first, and then every keepAlive; what it returns ends the wait.
func (s *stream) next(ctx context.Context, number int, first time.Duration, idle func() error) (line []byte, ok bool) {
	line, ok, change := s.get(number)
	if change == nil {
		return line, ok
	}
	timer := time.NewTimer(first)
	defer timer.Stop()
	for change != nil {
		select {
		case <-change:
			line, ok, change = s.get(number)
		case <-timer.C:
			if idle() != nil {
				return nil, false
			}
			timer.Reset(keepAlive)
		case <-ctx.Done():
			return nil, false
		}
	}
	return line, ok
}

// get returns the line with this number, or, if it may still come, what is closed at the next change.
func (s *stream) get(number int) (line []byte, ok bool, change <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case number < s.first:
		return nil, false, nil
	case number < s.first+len(s.lines):
		return s.lines[number-s.first], true, nil
	case s.ended:
		return nil, false, nil
	}
	if s.change == nil {
		s.change = make(chan struct{})
	}
	return nil, false, s.change
}

// endsWith reports whether no line follows the one with this number.
func (s *stream) endsWith(number int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended && number+1 >= s.first+len(s.lines)
}

// serve writes the stream as events, from the line with this number on, until
// it ends, the reader goes, or the reader is too slow.
func (s *stream) serve(w http.ResponseWriter, r *http.Request, number int) {
	out := http.NewResponseController(w)
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	write := func(b []byte) error {
		if err := out.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return err
		}
		_, err := w.Write(b)
		return err
	}
	wait := opening
	idle := func() error {
		if wait == opening { // a reader that waits sees that it is being served
			wait = keepAlive
			return out.Flush()
		}
		return errors.Join(write([]byte(": keep-alive\n\n")), out.Flush())
	}
	if s.standing && idle() != nil {
		return
	}
	for ; ; number++ {
		line, ok := s.next(r.Context(), number, wait, idle)
		if !ok {
			return
		}
		// A message is one line, so it is one data field.
		event := make([]byte, 0, len(line)+100)
		event = append(append(append(event, "event: message\nid: "...), eventID(s.id, number)...), "\ndata: "...)
		event = append(append(event, line...), "\n\n"...)
		if write(event) != nil {
			return
		}
		last := s.endsWith(number)
		s.taken(number)
		if last {
			return // it goes out with the end of the response
		}
		if wait = keepAlive; out.Flush() != nil {
			return
		}
	}
}

// only waits for the stream's last line, for a reader that takes no events.
func (s *stream) only(ctx context.Context) []byte {
	for number := 0; ; number++ {
		line, ok := s.next(ctx, number, keepAlive, func() error { return nil })
		if !ok {
			return nil
		}
		last := s.endsWith(number)
		s.taken(number)
		if last {
			return line
		}
	}
}

// eventID names a line of a stream; parseEventID reads it.
func eventID(stream string, number int) string { return stream + "-" + strconv.Itoa(number) }

func parseEventID(id string) (stream string, number int, ok bool) {
	stream, digits, found := strings.Cut(id, "-")
	number, err := strconv.Atoi(digits)
	return stream, number, found && err == nil && number >= 0 && stream != ""
}

// unread is the number of the first line that nobody has read.
func (s *stream) unread() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.read, s.first)
}
