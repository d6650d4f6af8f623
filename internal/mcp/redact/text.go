package redact

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// text redacts text: JSON that begins on a line of its own, as the whole, after
// a heading or in a code fence, is redacted as JSON. If what is left names a
// member, all of the text is withheld: where its value ends cannot be told.
func (r *Redactor) text(text []byte) (edits []edit, count int) {
	// Bounds what text that only looks like JSON can cost.
	budget := 4*len(text) + 1024
	prose := 0
	for at := 0; at < len(text); {
		at += len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n"))
		size := 0
		if at < len(text) && (text[at] == '{' || text[at] == '[') && budget > 0 {
			size = jsonSize(text[at:], &budget)
		}
		if size == 0 {
			next := bytes.IndexByte(text[at:], '\n')
			if next < 0 {
				break
			}
			at += next + 1
			continue
		}
		if r.mentions(text[prose:at]) {
			return r.withheld(text)
		}
		w := walk(r, text[at:at+size], payload)
		if w.err != nil { // cannot be: it was read
			return r.withheld(text)
		}
		for _, e := range w.edits {
			edits = append(edits, edit{at + e.start, at + e.end, e.with})
		}
		count += w.count
		at += size
		prose = at
	}
	if r.mentions(text[prose:]) {
		return r.withheld(text)
	}
	return edits, count
}

func (r *Redactor) withheld(text []byte) ([]edit, int) {
	return []edit{{0, len(text), []byte(textMark)}}, 1
}

// jsonSize is the length of the JSON value that text begins with; 0 if it
// begins with none, and then the budget pays for having looked.
func jsonSize(text []byte, budget *int) int {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text), lenient...)
	for depth := -1; depth != 0; depth = dec.StackDepth() {
		if _, err := dec.ReadToken(); err != nil {
			*budget -= int(dec.InputOffset()) + 1
			return 0
		}
	}
	return int(dec.InputOffset())
}

var escaped = regexp.MustCompile(`\\u[0-9A-Fa-f]{4}`)

// mentions reports whether text names a member, in whatever case, also with
// escapes that a reader might undo. A longer word is another name. A member
// that encloses what is taken out counts only if a value may follow it: the tag
// key "Environment" and a sentence about an environment hold none.
func (r *Redactor) mentions(text []byte) bool {
	if r.isNamed(fold(string(text))) {
		return true
	}
	if !bytes.Contains(text, []byte(`\u`)) {
		return false
	}
	return r.isNamed(fold(escaped.ReplaceAllStringFunc(string(text), func(e string) string {
		n, _ := strconv.ParseUint(e[2:], 16, 32) // four hexadecimal digits: cannot fail
		return string(rune(n))
	})))
}

func (r *Redactor) isNamed(folded string) bool {
	for name := range r.names {
		if _, found := after(folded, name); found {
			return true
		}
	}
	for outer := range r.within {
		if rest, found := after(folded, outer); found && strings.ContainsAny(rest, valueSigns) {
			return true
		}
	}
	return false
}

// valueSigns are what stands between a name and its value, in whatever notation.
const valueSigns = ":=|<>\r\n"

// after returns what follows the first place that has the name and no longer one.
func after(folded, name string) (rest string, found bool) {
	for rest = folded; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return "", false
		}
		next, _ := utf8.DecodeRuneInString(rest[i+len(name):])
		if next != '_' && !unicode.IsLetter(next) && !unicode.IsDigit(next) {
			return rest[i+len(name):], true
		}
		rest = rest[i+1:]
	}
}

// fold makes spellings equal that differ by case only, as Unicode folds them:
// the Kelvin sign is a K.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			if 'a' <= r && r <= 'z' {
				r -= 'a' - 'A'
			}
			return r
		}
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}
