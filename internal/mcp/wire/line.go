package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"sync"
)

// LineReader reads messages from a stream, one a line.
// Source: MCP, transports: stdio.
type LineReader struct {
	from *bufio.Reader
	max  int
}

// NewLineReader reads lines of up to maxBytes without their line break;
// a limit that is not positive means the default of Limits.
func NewLineReader(r io.Reader, maxBytes int) *LineReader {
	return &LineReader{bufio.NewReaderSize(r, 64<<10), Limits{Bytes: maxBytes}.orDefault().Bytes}
}

// Next returns the next line that is not empty, without its line break (LF or
// CRLF); the last line may lack one. The slice belongs to the caller.
//
// For a line over the limit, which is discarded while the following lines can
// still be read, the error is ErrTooLong and an *Error with the id that it had. Every other error, io.EOF at the end, is final.
func (l *LineReader) Next() ([]byte, error) {
	for {
		line, err := l.next()
		if err != nil || len(line) > 0 {
			return line, err
		}
	}
}

func (l *LineReader) next() ([]byte, error) {
	var line []byte
	for {
		chunk, err := l.from.ReadSlice('\n')
		line = append(line, chunk...)
		switch {
		case err == bufio.ErrBufferFull:
			if len(line) > l.max+len("\r") {
				return nil, l.discard(line)
			}
			continue
		case err == io.EOF && len(line) > 0: // the next read says io.EOF again
		case err != nil:
			return nil, err
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) > l.max {
			s := &skim{}
			s.feed(line)
			return nil, s.tooLong()
		}
		return line, nil
	}
}

// discard reads up to the end of the line that is too long.
func (l *LineReader) discard(line []byte) error {
	s := &skim{}
	s.feed(line)
	for {
		chunk, err := l.from.ReadSlice('\n')
		s.feed(chunk)
		switch err {
		case bufio.ErrBufferFull:
		case nil, io.EOF:
			return s.tooLong()
		default:
			return err
		}
	}
}

// LineWriter writes messages to a stream, one a line. It may be used by
// several goroutines; lines never mix.
type LineWriter struct {
	mu  sync.Mutex
	to  io.Writer
	buf []byte
	err error
}

// keptBuffer is the size up to which the writer keeps its buffer between lines.
const keptBuffer = 1 << 20

// NewLineWriter writes to w.
func NewLineWriter(w io.Writer) *LineWriter { return &LineWriter{to: w} }

// Write writes the line and a line feed in one write. A line that contains a
// line break is not written: the error is ErrLineBreak, and the writer stays
// usable. After an error of the stream, which may have torn a line, every
// later call returns that error.
func (w *LineWriter) Write(line []byte) error {
	if bytes.IndexByte(line, '\n') >= 0 || bytes.IndexByte(line, '\r') >= 0 {
		return ErrLineBreak
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.buf = append(append(w.buf[:0], line...), '\n')
	if _, err := w.to.Write(w.buf); err != nil {
		w.err = fmt.Errorf("write line: %w", err)
	}
	if cap(w.buf) > keptBuffer {
		w.buf = nil
	}
	return w.err
}
