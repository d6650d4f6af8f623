package mcp

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The bounds of what a user is shown of a call's arguments.
const (
	shownValues = 20
	shownValue  = 80      // runes of one value, or of where it stands
	lookedAt    = 1 << 10 // bytes of a text or a name, for the form of a secret
)

// notShown is in the place of what is kept from the user.
const notShown = "(not shown)"

// values are those of a call's arguments that its user is shown: the first of those
// that stand outermost. What policy keeps from answers, and what may be a secret by
// its name or its form, is not shown, with all that stands in it.
type values struct {
	keeps func(member string) bool // policy, from the client
	first []value
	all   int
}

type value struct {
	place, text string
	depth       int
}

// argumentLines puts arguments, a JSON object, into lines; none if there are none.
func argumentLines(arguments []byte, keeps func(member string) bool) (lines []string) {
	v := &values{keeps: keeps}
	if len(arguments) == 0 {
		return nil
	}
	if v.read(arguments, "", 0) != nil { // they were read before
		return []string{"(they cannot be shown)"}
	}
	for _, one := range v.first {
		// Between these marks a client that reads Markdown shows it as it is.
		text := one.text
		if one.place != "" {
			text = plainTo(one.place, shownValue) + ": " + text
		}
		lines = append(lines, "- `"+strings.ReplaceAll(text, "`", "'")+"`")
	}
	if more := v.all - len(v.first); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more values, which are not shown.", more))
	}
	return lines
}

func (v *values) read(raw []byte, place string, depth int) error {
	dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return v.value(dec, place, depth)
}

func (v *values) value(dec *jsontext.Decoder, place string, depth int) error {
	switch dec.PeekKind() {
	case '{':
		return v.object(dec, place, depth)
	case '[':
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		if dec.PeekKind() == ']' {
			v.add(place, "[]", depth)
		}
		return v.elements(dec, place, depth+1)
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() == '"' {
		return v.text(token.String(), place, depth)
	}
	v.add(place, plainTo(token.String(), shownValue), depth)
	return nil
}

func (v *values) text(text, place string, depth int) error {
	if isStructured(text) {
		return v.read([]byte(text), place, depth)
	}
	shown := ""
	if !v.full(depth) {
		shown = quoted(text)
	}
	v.add(place, shown, depth)
	return nil
}

// elements reads what stands in an array. What follows an option of a command that
// takes a secret is not shown.
func (v *values) elements(dec *jsontext.Decoder, place string, depth int) error {
	for i, secret := 0, false; dec.PeekKind() != ']'; i++ {
		at := beneath(place, strconv.Itoa(i))
		var err error
		switch kind := dec.PeekKind(); {
		case secret:
			v.add(at, notShown, depth)
			err = dec.SkipValue()
			secret = false
		case kind == '"':
			var token jsontext.Token
			if token, err = dec.ReadToken(); err == nil {
				text := token.String()
				secret = secretOption.MatchString(text)
				err = v.text(text, at, depth)
			}
		default:
			err = v.value(dec, at, depth)
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// object reads an object. One that has beside a value the name of what may be a secret
// is not shown: that is how a variable is written.
func (v *values) object(dec *jsontext.Decoder, place string, depth int) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	first, all, secret, valued := slices.Clone(v.first), v.all, false, false
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		member := token.String()
		at, kind := below(place, member), dec.PeekKind()
		valued = valued || beside.MatchString(member)
		switch {
		case v.keeps(member), secretName.MatchString(member), variables.MatchString(member) && (kind == '{' || kind == '['):
			v.add(at, notShown, depth+1)
			err = dec.SkipValue()
		case naming.MatchString(member) && kind == '"':
			token, err = dec.ReadToken()
			text := token.String()
			secret = secret || secretName.MatchString(text)
			v.add(at, quoted(text), depth+1)
		default:
			err = v.value(dec, at, depth+1)
		}
		if err != nil {
			return err
		}
	}
	if v.all == all && place != "" {
		v.add(place, "{}", depth)
	}
	if secret && valued {
		v.first, v.all = first, all
		v.add(place, notShown, depth)
	}
	_, err := dec.ReadToken()
	return err
}

// add keeps a value if it is among the first of the outermost so far.
func (v *values) add(place, text string, depth int) {
	v.all++
	at := len(v.first)
	for at > 0 && v.first[at-1].depth > depth {
		at--
	}
	if at < shownValues {
		v.first = slices.Insert(v.first, at, value{place, text, depth})
		v.first = v.first[:min(len(v.first), shownValues)]
	}
}

// full reports whether a value so deep is not among the first.
func (v *values) full(depth int) bool {
	return len(v.first) == shownValues && v.first[shownValues-1].depth <= depth
}

// below is where a member stands; what is too long to be shown need not be whole. A
// member that is no plain word is told as a text is: it could look like more members,
// or a value.
func below(place, member string) string {
	if !word.MatchString(start(member)) || secretForm.MatchString(start(member)) {
		member = quoted(member)
	}
	return beneath(place, member)
}

func beneath(place, member string) string {
	if place == "" {
		return member
	}
	if len(place) > 4*shownValue {
		return place
	}
	return place + "." + member
}

// start is as much of a text as is looked at: what comes later is not shown.
func start(text string) string { return text[:min(len(text), lookedAt)] }

// isStructured reports whether a text holds JSON of more than one value, as some
// tools take it.
func isStructured(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && (text[0] == '{' || text[0] == '[') && jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// quoted is a text as the user is shown it.
func quoted(text string) string {
	if secretForm.MatchString(start(text)) && !arn.MatchString(start(text)) {
		return notShown
	}
	short := `"` + escapes.Replace(plainTo(text, shownValue)) + `"`
	if n := utf8.RuneCountInString(text); n > shownValue {
		short += fmt.Sprintf(" (the first %d of %d characters)", shownValue, n)
	}
	return short
}

// escapes keep a text from ending where it does not.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// secretWord is in the names of secrets.
const secretWord = `secret|passw|passphrase|token|credential|(api|access|private|signing)[-_ ]?key`

// What may be a secret: by the name of a member, of a variable or of a command's
// option, and by its form. Variables are not shown by any name; arguments that name a
// secret and hold none (an ARN) are.
var (
	secretName   = regexp.MustCompile(`(?i)` + secretWord)
	secretOption = regexp.MustCompile(`(?i)^--?[a-z0-9_-]*(secret|passw|passphrase|token|credential|(api|access|private|signing)[-_]?key)[a-z0-9_-]*$`)
	secretForm   = regexp.MustCompile(`(?i:(` + secretWord + `)[a-z0-9_-]*["']?\s*[=: ]|bearer |basic [a-z0-9+/]{6})` +
		`|A(KIA|SIA)[A-Z2-7]{16}|-----BEGIN |gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|[rs]k_live_|eyJ[A-Za-z0-9_-]{10,}\.|://[^/@\s]*:[^/@\s]*@`)
	variables = regexp.MustCompile(`(?i)^env(ironment)?([-_ ]?(variables?|vars?|files?))?$`)
	naming    = regexp.MustCompile(`(?i)^(name|key)$`)
	beside    = regexp.MustCompile(`(?i)value|default|plain|content`)
	arn       = regexp.MustCompile(`^arn:[^\s=]*$`)
	word      = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)
