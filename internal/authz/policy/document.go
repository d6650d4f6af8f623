package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrDocument is the class of a policy document that is not taken.
var ErrDocument = errors.New("policy document refused")

// Document is an IAM policy document: an identity policy, a permissions boundary
// or an mcp policy. Name is what reasons call it.
type Document struct {
	Name string
	// Layer is what a built-in document is made for: "identity", "boundary" or
	// "mcp". It is empty for every other document.
	Layer string
	// JSON is the document as ReadDocument normalised it.
	JSON json.RawMessage

	path  string // of the file, or empty
	lines lines  // of the file's text
}

// statement is one statement, decoded; [Document.statements] gives only ones
// that the grammar accepts.
type statement map[string]any

// ReadDocument reads a policy document strictly. What AWS would refuse is
// refused (a duplicate key, an unknown element or operator, a Principal), and so
// is what AWS takes and hardly anybody means (a placeholder that was left in, a
// pattern that can match nothing, a Deny that a missing variable would undo).
//
// Every mistake is in the one error, an ErrDocument, with its place and what to
// write instead; [Findings] takes it apart.
func ReadDocument(name string, b []byte) (Document, error) { return readDocument(name, "", b) }

// ReadFile is ReadDocument for a file; its mistakes have lines. The document's
// name is the file's, without .json.
func ReadFile(path string) (Document, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Document{}, fmt.Errorf("%w: read policy document: %w", ErrDocument, err)
	}
	return readDocument(strings.TrimSuffix(filepath.Base(path), ".json"), path, b)
}

// readDocument reads the document of a file, or of none if path is empty: lines
// say something only where there is a file to open.
func readDocument(name, path string, b []byte) (Document, error) {
	d := Document{Name: name, path: path}
	if name == "" || strings.ContainsAny(name, "/\n") {
		return Document{}, d.refused(Finding{Message: "a document's name may not be empty or hold a slash: reasons are written DOCUMENT/SID"})
	}
	where, found, whole := readText(b)
	d.lines = where
	if !whole {
		return Document{}, d.refused(found...)
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return Document{}, d.refused(Finding{Message: err.Error()})
	}
	g := grammar{}
	g.document(value)
	for _, p := range g.problems {
		found = append(found, Finding{Place: p.place, Message: p.message, Line: where.of(p.place)})
	}
	if len(found) > 0 {
		return Document{}, d.refused(found...)
	}
	// Written anew, so that no spelling of a character hides what a text says.
	var normal bytes.Buffer
	e := json.NewEncoder(&normal)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return Document{}, d.refused(Finding{Message: err.Error()})
	}
	d.JSON = bytes.TrimSpace(normal.Bytes())
	return d, nil
}

func (d Document) refused(found ...Finding) error {
	return &refusal{d.located(Error, found)}
}

// located completes findings with the document's file, or its name if it has
// none: then no line means anything to anybody.
func (d Document) located(s Severity, found []Finding) []Finding {
	for i := range found {
		f := &found[i]
		f.Severity, f.File = s, d.path
		if d.path == "" {
			f.File, f.Line = d.Name, 0
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return a.Line - b.Line })
	return found
}

// again reads the document once more, since one may have been made without
// ReadDocument, and keeps where it came from.
func (d Document) again() (Document, error) {
	read, err := ReadDocument(d.Name, d.JSON)
	if read.Layer = d.Layer; bytes.Equal(read.JSON, d.JSON) {
		read.path, read.lines = d.path, d.lines
	}
	return read, err
}

// checkText refuses what readers of JSON disagree about: duplicate keys at any
// depth, invalid UTF-8, lone surrogates, a second value.
func checkText(b []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(b))
	if err := d.SkipValue(); err != nil {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("%w; of two equal keys AWS takes none, so merge them", err)
		}
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("there is text after the end of the document, at byte %d", d.InputOffset())
	}
	return nil
}

func (d Document) statements() ([]statement, error) {
	var document map[string]any
	if err := json.Unmarshal(d.JSON, &document); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDocument, d.Name, err)
	}
	var statements []statement
	for _, s := range list(document["Statement"]) {
		if object, ok := s.(map[string]any); ok {
			statements = append(statements, object)
		}
	}
	return statements, nil
}

// list makes a list of what IAM lets be one value or many.
func list(value any) []any {
	if many, ok := value.([]any); ok {
		return many
	}
	return []any{value}
}
