package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
// write instead.
func ReadDocument(name string, b []byte) (Document, error) {
	refuse := func(err error) (Document, error) {
		return Document{}, fmt.Errorf("%w: %s: %w", ErrDocument, name, err)
	}
	if name == "" || strings.ContainsAny(name, "/\n") {
		return refuse(errors.New("a document's name may not be empty or hold a slash: reasons are written DOCUMENT/SID"))
	}
	if err := checkText(b); err != nil {
		return refuse(err)
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return refuse(err)
	}
	g := grammar{}
	g.document(value)
	if len(g.problems) > 0 {
		return refuse(errors.Join(g.problems...))
	}
	// Written anew, so that no spelling of a character hides what a text says.
	var normal bytes.Buffer
	e := json.NewEncoder(&normal)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return refuse(err)
	}
	return Document{Name: name, JSON: bytes.TrimSpace(normal.Bytes())}, nil
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
