package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// JSON-RPC error codes of an unreadable message. Source: JSON-RPC 2.0 section 5.1.
const (
	CodeParse          = -32700 // not JSON, or too long
	CodeInvalidRequest = -32600 // JSON, but not one acceptable message
)

var (
	// ErrUnreadable is the class of every *Error.
	ErrUnreadable = errors.New("unreadable message")
	// ErrNoise: the line of a server is not a JSON object, such as a log line
	// on standard output or a batch.
	ErrNoise = errors.New("not a JSON object")
	// ErrTooLong: a line exceeded the limit and was discarded; the next one can be read.
	ErrTooLong = errors.New("read line: longer than the limit; send less in one message")
	// ErrLineBreak: a message that would be more than one line was not written.
	ErrLineBreak = errors.New("write line: contains a line break")
)

// Error says why a message is unreadable and what to send instead. It repeats
// keys of the message, quoted, but never a value.
type Error struct {
	Code   int
	ID     ID     // the one readable id, so that the sender can be answered; else zero
	Answer bool   // it has a result or an error and no method
	Path   string // JSON pointer (RFC 6901) to the place; empty for the whole message
	Reason string
}

// Error returns the reason with its path.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return fmt.Sprintf("%s (at %.200q)", e.Reason, e.Path)
}

// Unwrap makes every *Error an ErrUnreadable.
func (e *Error) Unwrap() error { return ErrUnreadable }

// syntaxError words an error of the decoder. The decoder's own text is not
// used because it repeats bytes of the message.
func syntaxError(err error) *Error {
	e := &Error{Code: CodeParse, Reason: "not valid JSON; send one JSON object"}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		e.Path = string(syntactic.JSONPointer)
		e.Reason = fmt.Sprintf("not valid JSON at byte %d; lone surrogates, NaN and raw control characters are not JSON either", syntactic.ByteOffset)
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		e.Code, e.Reason = CodeInvalidRequest, "the key occurs twice in its object; send it once"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "the JSON ends too early; send the whole message on one line"
	}
	return e
}
