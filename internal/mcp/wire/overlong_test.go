package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// A message over the limit still says whose answer it is, wherever its id stands.
func TestTheIDOfAMessageOverTheLimit(t *testing.T) {
	long := `"` + strings.Repeat(`x\"}],`, 100_000) + `"`
	for name, c := range map[string]struct {
		line, id string
		answer   bool
	}{
		"the id first":                          {`{"jsonrpc":"2.0","id":7,"result":{"text":` + long + `}}`, "7", true},
		"the id last":                           {`{"result":{"id":1,"text":[` + long + `]},"jsonrpc":"2.0", "id" : "a\u00e9" }`, `"a\u00e9"`, true},
		"an error":                              {`{"error":{"message":` + long + `},"id":7}`, "7", true},
		"a request":                             {`{"method":"x","params":{"result":1,"text":` + long + `},"id":7}`, "7", false},
		"both":                                  {`{"method":"x","result":` + long + `,"id":7}`, "7", false},
		"an id that is cut off":                 {`{"result":` + long + `,"id":7`, "null", false},
		"a message that is cut off":             {`{"id":7,"result":{"text":` + long, "7", true},
		"two ids":                               {`{"id":7,"result":` + long + `,"id":8}`, "null", false},
		"two ids, one in another case":          {`{"id":7,"result":` + long + `,"ID":7}`, "null", false},
		"an id that is an object":               {`{"id":{"id":7},"result":` + long + `}`, "null", true},
		"an id as long as a message":            {`{"id":` + long + `,"result":{}}`, "null", true},
		"no id":                                 {`{"result":` + long + `}`, "null", false},
		"a batch":                               {`[{"id":7,"result":` + long + `}]`, "null", false},
		"something behind it":                   {`{"id":7,"result":` + long + `} {}`, "null", false},
		"a string":                              {long, "null", false},
		"two numbers":                           {`{"id":7 8,"result":` + long + `}`, "null", true},
		"two strings, which make no JSON again": {`{"id":"7""8","result":` + long + `}`, "null", true},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLineReader(strings.NewReader(c.line+"\nnext\n"), 1000)
			_, err := l.Next()
			var unread *Error
			if !errors.Is(err, ErrTooLong) || !errors.As(err, &unread) {
				t.Fatal(err)
			}
			if unread.ID.String() != c.id || unread.Answer != c.answer {
				t.Errorf("id %s, answer %t; want %s, %t", unread.ID, unread.Answer, c.id, c.answer)
			}
			if next, err := l.Next(); string(next) != "next" || err != nil {
				t.Errorf("then %q, %v", next, err)
			}
		})
	}
}

// What is skimmed is remembered in small part only.
func TestSkimmingKeepsLittle(t *testing.T) {
	s := &skim{}
	for range 1000 {
		s.feed(bytes.Repeat([]byte(`{"id":`), 1000))
		s.feed([]byte(`"` + strings.Repeat("x", 1000) + `",`))
	}
	if kept := cap(s.key) + cap(s.value); kept > 20_000 || len(s.ids) > 2 {
		t.Errorf("%d bytes and %d ids are kept", kept, len(s.ids))
	}
}

// Of whatever is JSON, skimming tells what reading tells; of anything else, at
// most an id that is one.
func FuzzSkim(f *testing.F) {
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"result":{}}`, `{"result":{"id":2},"id":"\"1"}`, `{"\u0069d":1,"error":1}`, `{" id":1,"id":2}`, `{"id":1}{`, `[1]`, `{"id":1,"method":"x"`, `{"id":"a""b"}`,
	} {
		f.Add([]byte(line), 3)
	}
	f.Fuzz(func(t *testing.T, line []byte, piece int) {
		s := &skim{}
		for rest := line; len(rest) > 0; {
			n := min(max(piece, 1), len(rest))
			s.feed(rest[:n])
			rest = rest[n:]
		}
		var unread *Error
		if err := s.tooLong(); !errors.As(err, &unread) {
			t.Fatal(err)
		}
		if !unread.ID.IsZero() && !jsontext.Value(unread.ID.Raw()).IsValid() {
			t.Fatalf("the id %q is not JSON", unread.ID.Raw())
		}
		d := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if _, err := d.ReadValue(); err != nil {
			return
		}
		if _, err := d.ReadToken(); err != io.EOF {
			return
		}
		if id, answer := soleID(line); id.Key() != unread.ID.Key() || answer != unread.Answer && len(line) < mostKey {
			t.Fatalf("skimmed %s, %t; read %s, %t", unread.ID, unread.Answer, id, answer)
		}
	})
}
