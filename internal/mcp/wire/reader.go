package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// reader walks one message, once, from its first byte to its last.
type reader struct {
	dec    *jsontext.Decoder
	raw    []byte
	limits Limits
	client bool // also check keys below the envelope, and numbers in arguments
	params params
}

var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(new(bytes.Buffer)) }}

func read(raw []byte, l Limits, client bool) (*Message, error) {
	r := &reader{raw: raw, limits: l.orDefault(), client: client}
	if err := r.bytes(); err != nil {
		if len(raw) <= r.limits.Bytes {
			err.ID, err.Answer = soleID(raw)
		}
		return nil, err
	}
	r.dec = decoders.Get().(*jsontext.Decoder)
	r.dec.Reset(bytes.NewBuffer(raw))
	defer func() { r.dec.Reset(new(bytes.Buffer)); decoders.Put(r.dec) }() // do not keep raw alive

	m := &Message{Raw: raw}
	err := r.message(m)
	if err == nil {
		err = r.interpret(m)
	}
	if err != nil {
		err.ID, err.Answer = soleID(raw)
		return nil, err
	}
	return m, nil
}

// bytes refuses what can be told without parsing.
func (r *reader) bytes() *Error {
	switch {
	case len(r.raw) > r.limits.Bytes:
		return &Error{Code: CodeParse, Reason: "the message is longer than the limit; send less in one message"}
	case bytes.HasPrefix(r.raw, []byte("\ufeff")):
		return &Error{Code: CodeParse, Reason: "the message begins with a byte order mark; send plain UTF-8"}
	case !utf8.Valid(r.raw):
		return &Error{Code: CodeParse, Reason: "the message is not valid UTF-8"}
	case bytes.IndexByte(r.raw, '\n') >= 0 || bytes.IndexByte(r.raw, '\r') >= 0:
		// A reader with universal line ends, such as Python's, would see several
		// messages where others see one, so a nested value could become a message.
		return &Error{Code: CodeInvalidRequest, Reason: "the message contains a line break; send it on one line"}
	}
	return nil
}

// refuse returns an error at the place read last.
func (r *reader) refuse(reason string) *Error {
	return &Error{Code: CodeInvalidRequest, Path: string(r.dec.StackPointer()), Reason: reason}
}

// end requires that nothing follows.
func (r *reader) end() *Error {
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return &Error{Code: CodeParse, Reason: "something follows the JSON object; send one object to a message"}
	}
	return nil
}

// scalar reads a value that cannot contain others.
func (r *reader) scalar() (json.RawMessage, *Error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, syntaxError(err)
	}
	end := int(r.dec.InputOffset())
	return r.raw[end-len(v) : end], nil
}

// value reads any value; numbers means that it may only hold numbers that
// every reader keeps.
func (r *reader) value(numbers bool) (json.RawMessage, *Error) {
	switch kind := r.dec.PeekKind(); kind {
	case '{':
		return r.object(nil, func([]byte) *Error { _, err := r.value(numbers); return err })
	case '[':
		return r.array(func() *Error { _, err := r.value(numbers); return err })
	default:
		v, err := r.scalar()
		if err == nil && numbers && kind == '0' && !isExact(v) {
			err = r.refuse("readers disagree about the number, which is -0 or beyond ±(2^53−1); send one within, or a string")
		}
		return v, err
	}
}

// object reads an object. Its keys are checked against the known ones; member
// is called after each key and must read the value.
func (r *reader) object(known []string, member func(key []byte) *Error) (json.RawMessage, *Error) {
	start, err := r.open()
	if err != nil {
		return nil, err
	}
	for r.dec.PeekKind() != '}' {
		quoted, err := r.dec.ReadValue()
		if err != nil {
			return nil, syntaxError(err)
		}
		key := []byte(quoted[1 : len(quoted)-1])
		if r.client || known != nil {
			var reason string
			if key, reason = checkKey(quoted, known); reason != "" {
				return nil, r.refuse(reason)
			}
		}
		if err := member(key); err != nil {
			return nil, err
		}
	}
	return r.close(start)
}

// array reads an array; element is called for each element and must read it.
func (r *reader) array(element func() *Error) (json.RawMessage, *Error) {
	start, err := r.open()
	if err != nil {
		return nil, err
	}
	for r.dec.PeekKind() != ']' {
		if err := element(); err != nil {
			return nil, err
		}
	}
	return r.close(start)
}

func (r *reader) open() (start int, _ *Error) {
	if _, err := r.dec.ReadToken(); err != nil {
		return 0, syntaxError(err)
	}
	if r.dec.StackDepth() > r.limits.Depth {
		return 0, r.refuse("nested deeper than the limit; send a flatter message")
	}
	return int(r.dec.InputOffset()) - 1, nil
}

func (r *reader) close(start int) (json.RawMessage, *Error) {
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, syntaxError(err)
	}
	return r.raw[start:int(r.dec.InputOffset())], nil
}
