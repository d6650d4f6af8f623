package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// overlongError is both ErrTooLong and an *Error, so that it can be answered.
type overlongError struct{ unread *Error }

func (e overlongError) Error() string   { return ErrTooLong.Error() }
func (e overlongError) Unwrap() []error { return []error{ErrTooLong, e.unread} }

// skim finds what soleID finds in a message that is not kept: it is fed piece
// by piece and remembers little, however long the message is. Servers in
// JavaScript put the id last, so the beginning is not enough. It does not check
// that what it skims is JSON.
type skim struct {
	depth             int
	inString, escaped bool
	begun, broken     bool
	naming            bool   // at depth 1: a key is due, not a value
	key, value        []byte // at depth 1, as far as they are of use
	isID, likeID      bool   // the key is "id", or could be taken for it
	ids               []ID
	answers, asks     bool
}

// What is remembered of a key and of a value: more is not "id", and no id.
const (
	mostKey   = 100
	mostValue = 4 << 10
)

func (s *skim) feed(piece []byte) {
	for _, c := range piece {
		if s.inString {
			s.remember(c)
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
			case c == '"':
				s.inString = false
			}
			continue
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			s.remember(c)
		case '{', '[':
			s.open(c)
		case '}', ']':
			if s.depth == 1 {
				s.member()
			}
			s.depth--
			s.broken = s.broken || s.depth < 0
		case ',':
			if s.depth == 1 {
				s.member()
				s.naming = true
			}
		case ':':
			if s.depth == 1 && s.naming {
				s.named()
			}
		default:
			s.broken = s.broken || s.depth == 0
			s.inString = c == '"'
			s.remember(c)
		}
	}
}

func (s *skim) open(c byte) {
	if s.depth == 0 {
		s.broken = s.broken || s.begun || c != '{'
		s.begun, s.naming = true, true
	}
	s.remember(c) // no id has such a value
	s.depth++
}

func (s *skim) remember(c byte) {
	switch {
	case s.depth != 1:
	case s.naming && len(s.key) <= mostKey:
		s.key = append(s.key, c)
	case !s.naming && len(s.value) <= mostValue:
		s.value = append(s.value, c)
	}
}

// named judges the key of a member, as readMember does.
func (s *skim) named() {
	s.naming = false
	key, _ := jsontext.AppendUnquote(nil, bytes.TrimSpace(s.key)) // what cannot be unquoted is not "id"
	switch string(bytes.ToLower(trimControls(key))) {
	case "result", "error":
		s.answers = true
	case "method":
		s.asks = true
	}
	s.isID, s.likeID = string(key) == "id", bytes.EqualFold(trimControls(key), []byte("id"))
}

// member judges the value of a member.
func (s *skim) member() {
	if s.likeID && !s.naming {
		var id ID
		if raw := bytes.TrimSpace(s.value); s.isID && len(s.value) <= mostValue && jsontext.Value(raw).IsValid() {
			id, _ = parseID(bytes.Clone(raw))
		}
		s.ids = append(s.ids[:min(len(s.ids), 1)], id)
	}
	s.key, s.value, s.isID, s.likeID = s.key[:0], s.value[:0], false, false
}

// tooLong is the error of the message that was skimmed.
func (s *skim) tooLong() error {
	e := &Error{Code: CodeParse, Reason: ErrTooLong.Error()}
	if len(s.ids) == 1 && !s.broken {
		e.ID, e.Answer = s.ids[0], s.answers && !s.asks
	}
	return overlongError{e}
}
