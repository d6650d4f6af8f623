package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
)

// width is where lines of prose are broken; an ARN is never.
const width = 110

// page is text for a terminal.
type page struct {
	strings.Builder
	good, bad, warn, bold, dim *color.Color
}

func newPage() *page {
	return &page{good: color.New(color.FgGreen, color.Bold), bad: color.New(color.FgRed, color.Bold), warn: color.New(color.FgYellow),
		bold: color.New(color.Bold), dim: color.New(color.Faint)}
}

func (p *page) section(title string) {
	p.WriteString("\n" + p.bold.Sprint(title) + "\n")
}

// line writes prose, broken between words; what follows is indented as the first line.
func (p *page) line(indent int, text string) { p.wrap(strings.Repeat(" ", indent), indent, text) }

// hang writes prose that is indented below its beginning.
func (p *page) hang(indent int, lead, text string) {
	p.wrap(strings.Repeat(" ", indent)+lead, indent+visible(lead), text)
}

// field is a labelled line of a section, item one of an access.
func (p *page) field(label, text string) { p.labelled(2, label, text) }
func (p *page) item(label, text string)  { p.labelled(5, label, text) }

func (p *page) labelled(indent int, label, text string) {
	const column = 11
	if text != "" {
		pad := strings.Repeat(" ", max(1, column-utf8.RuneCountInString(label)))
		p.wrap(strings.Repeat(" ", indent)+p.dim.Sprint(label)+pad, indent+column, text)
	}
}

// block writes lines as they are.
func (p *page) block(indent int, text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		p.WriteString(strings.Repeat(" ", indent) + printable(line) + "\n")
	}
}

func (p *page) wrap(first string, indent int, text string) {
	p.WriteString(first)
	at := indent
	for i, word := range strings.Fields(printable(text)) {
		n := visible(word)
		switch {
		case i > 0 && at+1+n > width:
			p.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		case i > 0:
			p.WriteByte(' ')
			at++
		}
		p.WriteString(word)
		at += n
	}
	p.WriteByte('\n')
}

// visible is how wide a word is without its colours.
func visible(word string) (n int) {
	escape := false
	for _, r := range word {
		switch {
		case r == 0x1b:
			escape = true
		case escape:
			escape = r != 'm'
		default:
			n++
		}
	}
	return n
}

// once is a label that stands on the first of several lines only.
func once(label string, i int) string {
	if i > 0 {
		return ""
	}
	return label
}

// cleaned is e without escape characters: those that reach the terminal are the
// page's own colours.
func (e *Explanation) cleaned() (*Explanation, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write explanation: %w", err)
	}
	clean := &Explanation{}
	if err := json.Unmarshal(bytes.ReplaceAll(b, []byte(`\u001b`), []byte(`\ufffd`)), clean); err != nil {
		return nil, fmt.Errorf("write explanation: %w", err)
	}
	return clean, nil
}

// printable keeps every other control character of a call or a record from
// reaching a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != 0x1b || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, s)
}
