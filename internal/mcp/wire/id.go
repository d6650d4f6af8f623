package wire

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ID is the id of a request, as it was sent. The zero ID is none. IDs are
// compared by their [Key], never by their bytes.
type ID struct {
	raw []byte
	key Key
}

// Key identifies an id as a map key: the string "1" and the number 1 differ;
// 1, 1.0 and 1e0 are the same, exactly, at any size.
type Key struct {
	kind byte // 's' or 'n'; 0 is no id
	text string
}

// Key returns what the id is compared by.
func (id ID) Key() Key { return id.key }

// Raw returns the bytes the id was sent as; nil for the zero ID.
func (id ID) Raw() []byte { return id.raw }

// IsZero reports whether there is no id.
func (id ID) IsZero() bool { return id.key.kind == 0 }

// String returns the id as JSON; "null" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return "null"
	}
	return string(id.raw)
}

// parseID reads a JSON string or number. Source: MCP, schema type RequestId.
func parseID(raw []byte) (ID, bool) {
	if len(raw) == 0 {
		return ID{}, false
	}
	switch raw[0] {
	case '"':
		text, err := unquote(raw)
		return ID{raw, Key{'s', text}}, err == nil
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if text, ok := exact(string(raw)); ok {
			return ID{raw, Key{'n', text}}, true
		}
	}
	return ID{}, false
}

func unquote(raw []byte) (string, error) {
	if text := raw[1 : len(raw)-1]; isPlain(text) {
		return string(text), nil
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	return string(text), err
}

// exact spells a JSON number so that equal numbers are spelled equally:
// significant digits and a power of ten, "15e-1" for 1.5 and for 0.15E1. An
// exponent of more than nine digits is not ok: no reader keeps such a number.
func exact(number string) (text string, ok bool) {
	digits, sign := strings.CutPrefix(number, "-")
	exponent := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		power := digits[i+1:]
		if len(strings.TrimLeft(power, "+-")) > 9 {
			return "", false
		}
		exponent, _ = strconv.Atoi(power) // at most nine digits: cannot fail
		digits = digits[:i]
	}
	if whole, fraction, found := strings.Cut(digits, "."); found {
		digits, exponent = whole+fraction, exponent-len(fraction)
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0", true
	}
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	if sign {
		short = "-" + short
	}
	return short + "e" + strconv.Itoa(exponent), true
}

// isExact reports whether every reader keeps the number: JavaScript and Go
// read a float64, Python an integer of any size, so an integer must be within
// ±(2^53−1), and nothing may be larger; -0 is a float to some and the integer 0
// to others. Source: RFC 8259 section 6.
func isExact(number []byte) bool {
	if string(number) == "-0" {
		return false
	}
	if len(number) <= 15 && !bytes.ContainsAny(number, "eE") {
		return true
	}
	f, err := strconv.ParseFloat(string(number), 64)
	const limit = 1<<53 - 1
	return err == nil && f >= -limit && f <= limit
}
