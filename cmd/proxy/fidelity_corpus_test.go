package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// A corpus is a conversation, written down in testdata/fidelity; sessions.txt
// there explains its form.
type corpus []step

// step is one message that the server hears, and what it then says.
type step struct {
	line    int    // in the file
	mark    string // ">", ">!" or ">~"
	heard   template
	said    []saying
	excused string // the permitted difference that it belongs to
}

type saying struct {
	mark string // "<", "<!" or "<~"
	text template
}

// template is a message in which «x» is an id or a token of the client's and …
// stands for anything.
type template string

var marked = regexp.MustCompile(`«([^»]*)»|…`)

// with is the message with these values in the place of the client's own.
func (t template) with(values map[string]string) string {
	return marked.ReplaceAllStringFunc(string(t), func(m string) string {
		own := strings.TrimSuffix(strings.TrimPrefix(m, "«"), "»")
		if value, ok := values[own]; ok {
			return value
		}
		return own
	})
}

// match reports whether a message is this one but for what is marked, and what
// it has in the place of the client's own values.
func (t template) match(message string) (values map[string]string, ok bool) {
	pattern, own, at := "", []string{}, 0
	for _, m := range marked.FindAllStringSubmatchIndex(string(t), -1) {
		pattern += regexp.QuoteMeta(string(t[at:m[0]]))
		if m[2] < 0 {
			pattern += `.*`
		} else {
			pattern += `("(?:[^"\\]|\\.)*"|[-+.0-9eE]+)`
			own = append(own, string(t[m[2]:m[3]]))
		}
		at = m[1]
	}
	found := regexp.MustCompile(`^` + pattern + regexp.QuoteMeta(string(t[at:])) + `$`).FindStringSubmatch(message)
	if found == nil {
		return nil, false
	}
	values = map[string]string{}
	for i, o := range own {
		values[o] = found[i+1]
	}
	return values, true
}

// is reports whether a message is this one, the client's own values included.
func (t template) is(message string) bool {
	if !strings.Contains(string(t), "…") {
		return t.with(nil) == message
	}
	values, ok := t.match(message)
	for own, value := range values {
		ok = ok && own == value
	}
	return ok
}

// readCorpus reads a corpus for one version of the protocol.
func readCorpus(file, version string) (c corpus, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	excused := ""
	for i, line := range strings.Split(strings.ReplaceAll(string(b), "VERSION", version), "\n") {
		mark, text, _ := strings.Cut(line, " ")
		switch {
		case line == "":
			excused = ""
		case mark == "=":
			excused = text
		case strings.HasPrefix(mark, "#"):
		case strings.HasPrefix(mark, ">"):
			c = append(c, step{line: i + 1, mark: mark, heard: template(text), excused: excused})
		case strings.HasPrefix(mark, "<") && len(c) > 0:
			last := &c[len(c)-1]
			last.said = append(last.said, saying{mark, template(text)})
		default:
			return nil, fmt.Errorf("%s:%d: neither a message nor a comment", file, i+1)
		}
		if strings.ContainsAny(mark, "!~") && !strings.HasPrefix(mark, "#") && excused == "" {
			return nil, fmt.Errorf("%s:%d: a difference without a name", file, i+1)
		}
	}
	return c, nil
}

// idOf is the id of a request, for an answer to one whose id nobody can foresee.
func idOf(message string) string {
	var m struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal([]byte(message), &m) // no message has none
	return string(m.ID)
}

// player is the server of a corpus: it knows what to say to what it hears.
type player struct {
	corpus corpus
	next   int
	values map[string]string
}

// hear returns what the server says to a message, which may be the next one or,
// because the proxy kept some to itself, a later one.
func (p *player) hear(message string) (s *step, says []string) {
	for i := p.next; i < len(p.corpus); i++ {
		s := &p.corpus[i]
		values, ok := s.heard.match(message)
		if !ok {
			continue
		}
		p.next = i + 1
		if p.values == nil {
			p.values = map[string]string{}
		}
		for own, value := range values {
			p.values[own] = value
		}
		p.values["ID"] = idOf(message)
		for _, said := range s.said {
			if said.mark != "<~" {
				says = append(says, said.text.with(p.values))
			}
		}
		return s, says
	}
	return nil, nil
}
