package remote

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// buffers are small: a stream that stands open keeps one.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// events reads a stream of events and hands on the data of each message.
// Source: WHATWG HTML, server-sent events, 9.2.6.
func (s *Server) events(body io.Reader, each func([]byte)) error {
	lines := buffers.Get().(*bufio.Reader)
	lines.Reset(body)
	defer func() { lines.Reset(nil); buffers.Put(lines) }() // do not keep the body alive
	var data []byte
	for {
		line, err := readLine(lines, s.bytes()+64)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("%w: its stream broke", ErrUnreachable) // the error names addresses
		}
		switch {
		case len(line) == 0:
			if len(data) > 0 {
				each(oneLine(data))
			}
			data = nil
		case bytes.HasPrefix(line, []byte("data:")):
			if len(data) > 0 {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(line[len("data:"):], []byte(" "))...)
			if len(data) > s.bytes() {
				return fmt.Errorf("%w: a message is longer than the limit", ErrUnreachable)
			}
		}
	}
}

func readLine(r *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		chunk, err := r.ReadSlice('\n')
		line = append(line, chunk...)
		if len(line) > most {
			return nil, fmt.Errorf("a line is longer than %d bytes", most)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return nil, err
		}
		return bytes.TrimRight(line, "\r\n"), nil
	}
}

// oneLine makes a message one line: between tokens a line break means the same
// as a space, and elsewhere it is no JSON.
func oneLine(message []byte) []byte {
	if !bytes.ContainsAny(message, "\r\n") {
		return message
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(bytes.Clone(message), []byte("\n"), []byte(" ")), []byte("\r"), []byte(" "))
}
