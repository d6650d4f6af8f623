package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// lines says in which line of its text each place of a document stands.
type lines map[string]int

// of returns the line of the place, or of the nearest one around it.
func (l lines) of(place string) int {
	for {
		if line, ok := l[place]; ok {
			return line
		}
		cut := strings.LastIndexAny(place, ".[")
		if cut < 0 {
			return l[""]
		}
		place = place[:cut]
	}
}

// readText walks the text of a document: where everything stands, and what
// readers of JSON disagree about (duplicate keys at any depth, invalid UTF-8,
// lone surrogates, a second value) or do not take. Unless it is whole, the text
// is no JSON and there is nothing more to find.
func readText(b []byte) (where lines, found []Finding, whole bool) {
	w := textWalker{lines: lines{"": 1}, decoder: jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true))}
	for i, c := range b {
		if c == '\n' {
			w.newlines = append(w.newlines, i)
		}
	}
	err := w.value("")
	if err == nil {
		_, err = w.decoder.ReadToken()
		if err == nil {
			err = errSecond
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		at := int(w.decoder.InputOffset())
		if syntactic := (*jsontext.SyntacticError)(nil); errors.As(err, &syntactic) {
			at, err = int(syntactic.ByteOffset), syntactic.Err
		}
		w.findings = append(w.findings, Finding{Severity: Error, Line: w.line(at), Message: notJSON(b, at, err)})
	}
	return w.lines, w.findings, err == nil
}

var errSecond = errors.New("there is text after the end of the document; a file holds one document")

type textWalker struct {
	decoder  *jsontext.Decoder
	newlines []int
	lines    lines
	findings []Finding
}

func (w *textWalker) line(offset int) int { return sort.SearchInts(w.newlines, offset) + 1 }

// value reads one value. It stands where it begins, or where its name does.
func (w *textWalker) value(path string) error {
	token, err := w.decoder.ReadToken()
	if err != nil {
		return err
	}
	if _, named := w.lines[path]; !named {
		w.lines[path] = w.line(int(w.decoder.InputOffset()) - 1)
	}
	switch token.Kind() {
	case '{':
		return w.object(path)
	case '[':
		for i := 0; w.decoder.PeekKind() != ']'; i++ {
			if err := w.value(fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		_, err = w.decoder.ReadToken()
	}
	return err
}

func (w *textWalker) object(path string) error {
	if path == "Statement" { // one statement without a list around it
		path = "Statement[0]"
	}
	seen := map[string]bool{}
	for w.decoder.PeekKind() != '}' {
		token, err := w.decoder.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		member := strings.TrimPrefix(path+"."+name, ".")
		line := w.line(int(w.decoder.InputOffset()) - 1)
		if seen[name] {
			w.findings = append(w.findings, Finding{Severity: Error, Line: line, Place: member,
				Message: "is there twice; of two equal keys AWS takes none, so merge them"})
		} else {
			w.lines[member] = line
		}
		seen[name] = true
		if err := w.value(member); err != nil {
			return err
		}
	}
	_, err := w.decoder.ReadToken()
	return err
}

// notJSON says what people mean who write what is no JSON.
func notJSON(b []byte, at int, err error) string {
	rest := bytes.TrimLeft(b[min(at, len(b)):], " \t\r\n")
	after := bytes.TrimLeft(bytes.TrimPrefix(rest, []byte(",")), " \t\r\n")
	begins := func(prefixes ...string) bool {
		for _, prefix := range prefixes {
			if bytes.HasPrefix(rest, []byte(prefix)) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, errSecond):
		return err.Error()
	case len(bytes.TrimSpace(b)) == 0:
		return "is empty; a policy document is a JSON object with Version and Statement"
	case begins("\xef\xbb\xbf"):
		return "begins with a byte order mark, which AWS does not take; save it as UTF-8 without one"
	case bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")):
		return "is UTF-16; save it as UTF-8"
	case bytes.HasPrefix(b, []byte("%7B")):
		return "is URL-encoded, as the IAM API returns it; decode it first (the AWS CLI does)"
	case begins("//", "/*", "#"):
		return "JSON has no comments; remove it (a Sid can say what a statement is for)"
	case begins(",") && (bytes.HasPrefix(after, []byte("}")) || bytes.HasPrefix(after, []byte("]"))):
		return "there is a comma and nothing after it; remove the comma"
	case begins("'"):
		return "JSON has double quotes only; write \" for '"
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return "the document ends too early: a bracket or a quote is not closed"
	}
	return "is no JSON here: " + err.Error()
}
