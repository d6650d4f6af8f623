package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Severity says what a finding means.
type Severity string

// An Error refuses what it is about; a Warning does not: it is legal and hardly meant.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing that is wrong with a policy, and what to do about it.
type Finding struct {
	// File is the path that was read, or the name of a document that is no file.
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 is a finding about the whole.
	Line     int      `json:"line,omitempty"`
	Severity Severity `json:"severity"`
	// Place is where in the document: Statement[0].Condition.StringEquals.
	Place   string `json:"place,omitempty"`
	Message string `json:"message"`
}

// String writes the finding as compilers do, without its severity.
func (f Finding) String() string { return f.at() + f.text() }

// Labelled is String with the severity before what is said.
func (f Finding) Labelled() string { return f.at() + string(f.Severity) + ": " + f.text() }

func (f Finding) at() string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return printable(f.File) + ": "
	}
	return fmt.Sprintf("%s:%d: ", printable(f.File), f.Line)
}

func (f Finding) text() string {
	if f.Place == "" {
		return printable(f.Message)
	}
	return printable(f.Place + ": " + f.Message)
}

// printable keeps what a file holds from moving the cursor of a terminal or
// making lines of its own.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// refusal is the error of a document that is not taken: an ErrDocument with
// everything that was found.
type refusal struct{ findings []Finding }

func (r *refusal) Error() string {
	lines := make([]string, len(r.findings))
	for i, f := range r.findings {
		lines[i] = f.String()
	}
	return ErrDocument.Error() + ": " + strings.Join(lines, "\n")
}

func (r *refusal) Is(target error) bool { return target == ErrDocument }

// Findings returns what an error of this package, or of OPA, found, each as an Error.
func Findings(err error) (found []Finding) {
	if err == nil {
		return nil
	}
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r.findings
	}
	if isRego(err) { // of OPA itself
		err = errors.Join(explained(err)...)
	}
	lines := strings.Split(strings.TrimPrefix(err.Error(), ErrPolicy.Error()+": "), "\n")
	for i, line := range lines {
		if i == 0 && len(lines) > 1 && strings.HasSuffix(line, ":") {
			continue // the heading of the others
		}
		found = append(found, findingOf(line))
	}
	return found
}

func isRego(err error) bool {
	one, many := (*ast.Error)(nil), ast.Errors(nil)
	return errors.As(err, &one) || errors.As(err, &many)
}

// findingOf reads FILE:LINE: MESSAGE.
func findingOf(text string) Finding {
	f := Finding{Severity: Error, Message: text}
	if m := located.FindStringSubmatch(text); m != nil {
		f.File, f.Message = m[1], m[3]
		f.Line, _ = strconv.Atoi(m[2])
	}
	return f
}

// located is how every reader here says where a mistake is.
var located = regexp.MustCompile(`^([^\s:][^:]*):([0-9]{1,9}): (.*)$`)
