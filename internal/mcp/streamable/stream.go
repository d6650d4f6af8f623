package streamable

import (
	"context"
	"fmt"
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

// stream is the messages for one reader: those of one POST, or of the GET.
type stream struct {
	id string

	mu     sync.Mutex
	first  int      // number of lines[0]
	lines  [][]byte // kept, read or not
	bytes  int
	read   int // number of the next line that nobody has read
	ended  bool
	change chan struct{} // closed at every change
}

func newStream(id string) *stream { return &stream{id: id, change: make(chan struct{})} }

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
	for s.bytes > maxKept && s.first < s.read {
		s.drop()
	}
	for s.bytes > maxUnread && len(s.lines) > 1 {
		s.drop() // the reader will find a gap, and is cut
	}
	close(s.change)
	s.change = make(chan struct{})
}

func (s *stream) drop() {
	s.bytes -= len(s.lines[0])
	s.lines[0] = nil
	s.lines = s.lines[1:]
	s.first++
}

// next waits for the line with this number; ok is false when there will be
// none, or it is not kept any more.
func (s *stream) next(ctx context.Context, number int, idle func() error) (line []byte, ok bool) {
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		s.mu.Lock()
		change := s.change
		switch {
		case number < s.first:
			s.mu.Unlock()
			return nil, false
		case number < s.first+len(s.lines):
			line = s.lines[number-s.first]
			s.read = max(s.read, number+1)
			s.mu.Unlock()
			return line, true
		case s.ended:
			s.mu.Unlock()
			return nil, false
		}
		s.mu.Unlock()
		select {
		case <-change:
		case <-ticker.C:
			if idle() != nil {
				return nil, false
			}
		case <-ctx.Done():
			return nil, false
		}
	}
}

// over reports whether nothing more will come and everything was read.
func (s *stream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended && s.read >= s.first+len(s.lines)
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
		if _, err := w.Write(b); err != nil {
			return err
		}
		return out.Flush()
	}
	if out.Flush() != nil {
		return
	}
	for ; ; number++ {
		line, ok := s.next(r.Context(), number, func() error { return write([]byte(": keep-alive\n\n")) })
		if !ok {
			return
		}
		// A message is one line, so it is one data field.
		event := make([]byte, 0, len(line)+64)
		event = fmt.Appendf(event, "event: message\nid: %s\ndata: ", eventID(s.id, number))
		event = append(event, line...)
		if write(append(event, "\n\n"...)) != nil {
			return
		}
	}
}

// only waits for the stream's last line, for a reader that takes no events.
func (s *stream) only(ctx context.Context) []byte {
	for number := 0; ; number++ {
		line, ok := s.next(ctx, number, func() error { return nil })
		if !ok {
			return nil
		}
		if s.over() {
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
