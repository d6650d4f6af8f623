package redact

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// unquote returns what a JSON string says. The literal is valid JSON, but may
// hold surrogates that stand alone; they become U+FFFD.
func unquote(literal []byte) []byte {
	inner := literal[1 : len(literal)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	out := make([]byte, 0, len(inner))
	for at := 0; at < len(inner); {
		said, size := character(inner[at:])
		out = append(out, said...)
		at += size
	}
	return out
}

// character is the first character of what stands between quotes, as it is
// said, and the length of its spelling.
func character(inner []byte) (said []byte, size int) {
	if inner[0] != '\\' {
		_, size := utf8.DecodeRune(inner)
		return inner[:size], size
	}
	switch c := inner[1]; c {
	case 'n':
		return []byte{'\n'}, 2
	case 't':
		return []byte{'\t'}, 2
	case 'r':
		return []byte{'\r'}, 2
	case 'b':
		return []byte{'\b'}, 2
	case 'f':
		return []byte{'\f'}, 2
	case 'u':
		r := hex(inner[2:])
		if utf16.IsSurrogate(r) {
			if len(inner) >= 12 && inner[6] == '\\' && inner[7] == 'u' {
				if pair := utf16.DecodeRune(r, hex(inner[8:])); pair != utf8.RuneError {
					return utf8.AppendRune(nil, pair), 12
				}
			}
			r = utf8.RuneError
		}
		return utf8.AppendRune(nil, r), 6
	default: // a quote, a slash, a backslash
		return []byte{c}, 2
	}
}

func hex(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 32) // valid JSON: cannot fail
	return rune(n)
}

// inLiteral turns edits of what a literal says into edits of the literal, so
// that the rest of it keeps its spelling. The edits are in order.
func inLiteral(literal []byte, edits []edit) []edit {
	inner := literal[1 : len(literal)-1]
	at, said := 0, 0
	// to moves on to where the text has been said up to the offset.
	to := func(offset int) int {
		for said < offset {
			text, size := character(inner[at:])
			at, said = at+size, said+len(text)
		}
		return at + 1
	}
	out := make([]edit, len(edits))
	for i, e := range edits {
		quoted, _ := jsontext.AppendQuote(nil, e.with) // the message was valid UTF-8: cannot fail
		out[i] = edit{to(e.start), to(e.end), quoted[1 : len(quoted)-1]}
	}
	return out
}
