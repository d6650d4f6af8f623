package streamable

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// body reads a request's body as one line.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (line []byte, status int, why string) {
	most := int64(s.config.Limits.Bytes)
	if most <= 0 {
		most = 16 << 20
	}
	b, err := readAll(http.MaxBytesReader(w, r.Body, most), r.ContentLength)
	if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
		return nil, http.StatusRequestEntityTooLarge, "the message is longer than limits.message_bytes; send less"
	}
	if err != nil {
		return nil, http.StatusBadRequest, "the body could not be read"
	}
	return oneLine(b), 0, ""
}

// readAll reads a body of this length; of no known one if it is not positive. It takes
// no more memory than the body needs, for a session keeps some, and not much more
// than what of it is there, for the length is only said.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length <= 0 {
		return io.ReadAll(body)
	}
	b := make([]byte, min(length, 64<<10))
	for n := 0; ; {
		m, err := io.ReadFull(body, b[n:])
		if n += m; err != nil || int64(n) == length {
			return b[:n], err
		}
		b = append(make([]byte, 0, min(length, 8*int64(n))), b...)
		b = b[:cap(b)]
	}
}

// oneLine makes a body one line: between tokens a line break means the same as a
// space. Elsewhere it is no JSON, and is left for the reader to refuse.
func oneLine(body []byte) []byte {
	if bytes.IndexByte(body, '\n') < 0 && bytes.IndexByte(body, '\r') < 0 || !json.Valid(body) {
		return body
	}
	for i, b := range body {
		if b == '\n' || b == '\r' {
			body[i] = ' '
		}
	}
	return body
}
