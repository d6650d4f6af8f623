package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/misspelled"
	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

// builtin is the file of a built-in document, rego/personas/*/policy.json.
type builtin struct {
	Name     string                 `json:"name"`
	Layer    string                 `json:"layer"`
	About    string                 `json:"about"`
	Values   map[string]placeholder `json:"values"`
	Document json.RawMessage        `json:"document"`
}

// placeholder is a name that the document writes as {{name}}.
type placeholder struct {
	About   string `json:"about"`
	Default string `json:"default"`
	// Wildcards: the value may hold * and ?.
	Wildcards bool `json:"wildcards"`
}

// valueForm is what AWS allows in the names that placeholders stand for.
var valueForm = regexp.MustCompile(`^[A-Za-z0-9_+=,.@/*?-]+$`)

var placeholderName = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)

// BuiltinNames returns the names of the built-in documents, sorted.
func BuiltinNames() []string {
	all, err := builtins()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(all))
}

// BuiltinDocument describes a built-in document.
type BuiltinDocument struct {
	Name   string         `json:"name"`
	Layer  string         `json:"layer"`
	About  string         `json:"about"`
	Values []BuiltinValue `json:"values,omitempty"`
}

// BuiltinValue describes a placeholder of a built-in document. Without a Default
// it must be given.
type BuiltinValue struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Default string `json:"default,omitempty"`
	// Wildcards: the value may hold * and ?.
	Wildcards bool `json:"wildcards,omitempty"`
}

// Builtins describes the built-in documents, sorted by name.
func Builtins() (described []BuiltinDocument) {
	all, err := builtins()
	if err != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b := all[name]
		d := BuiltinDocument{Name: name, Layer: b.Layer, About: b.About}
		for _, value := range slices.Sorted(maps.Keys(b.Values)) {
			p := b.Values[value]
			d.Values = append(d.Values, BuiltinValue{value, p.About, p.Default, p.Wildcards})
		}
		described = append(described, d)
	}
	return described
}

// BuiltinText returns a built-in document as it is written, indented, with the
// given values in place of their placeholders. Other placeholders stay. Every
// error is an ErrDocument.
func BuiltinText(name string, values map[string]string) (string, error) {
	all, err := builtins()
	if err != nil {
		return "", err
	}
	b, ok := all[name]
	if !ok {
		return "", unknownBuiltin(name)
	}
	filled := string(b.Document)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		p, ok := b.Values[key]
		if !ok {
			return "", fmt.Errorf("%w: %s has no value %q; it has %s", ErrDocument, name, key, orNone(slices.Sorted(maps.Keys(b.Values))))
		}
		value, err := p.fill(name, key, values[key])
		if err != nil {
			return "", fmt.Errorf("%w: %s: values.%s: %w", ErrDocument, name, key, err)
		}
		filled = strings.ReplaceAll(filled, "{{"+key+"}}", value)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(filled), "", "  "); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrDocument, name, err)
	}
	return text.String(), nil
}

func unknownBuiltin(name string) error {
	return fmt.Errorf("%w: there is no built-in document %q; there are %s%s", ErrDocument, name, strings.Join(BuiltinNames(), ", "), misspelled.Hint(name, slices.Values(BuiltinNames())))
}

// Builtin returns a built-in document with its placeholders filled from values,
// or from their defaults. A value may not hold a wildcard unless the document
// says so: it would widen the document behind its reader's back. Values that the
// document does not use are ignored. Every error is an ErrDocument.
func Builtin(name string, values map[string]string) (Document, error) {
	all, err := builtins()
	if err != nil {
		return Document{}, err
	}
	b, ok := all[name]
	if !ok {
		return Document{}, unknownBuiltin(name)
	}
	var problems []error
	filled := placeholderName.ReplaceAllStringFunc(string(b.Document), func(text string) string {
		key := strings.Trim(text, "{}")
		value, err := b.Values[key].fill(name, key, values[key])
		if err != nil {
			problems = append(problems, fmt.Errorf("values.%s: %w", key, err))
		}
		return value
	})
	if len(problems) > 0 {
		return Document{}, fmt.Errorf("%w: %s: %w", ErrDocument, name, distinct(problems))
	}
	d, err := ReadDocument(name, []byte(filled))
	d.Layer = b.Layer
	return d, err
}

// fill returns what stands for the placeholder key of a document.
func (p placeholder) fill(document, key, value string) (string, error) {
	switch {
	case value == "" && p.Default == "":
		return "", fmt.Errorf("is needed: %s", p.About)
	case value == "":
		return p.Default, nil
	case !valueForm.MatchString(value):
		return "", fmt.Errorf("%q has characters that no AWS name has", value)
	case !p.Wildcards && strings.ContainsAny(value, "*?"):
		return "", fmt.Errorf("%q has a wildcard; name exactly one: %s; for more, write a document of your own: ecs-mcp-proxy policy show --document %s --value %s=… > FILE.json, and edit it",
			value, p.About, document, key)
	}
	return value, nil
}

// distinct joins errors, each text once: a placeholder may stand in many places.
func distinct(problems []error) error {
	seen := map[string]bool{}
	return errors.Join(slices.DeleteFunc(problems, func(err error) bool {
		again := seen[err.Error()]
		seen[err.Error()] = true
		return again
	})...)
}

func builtins() (map[string]builtin, error) {
	all := map[string]builtin{}
	paths, err := fs.Glob(files.Files, "personas/*/policy.json")
	if err != nil {
		return nil, fmt.Errorf("%w: read built-in documents: %w", ErrDocument, err)
	}
	for _, path := range paths {
		b, err := fs.ReadFile(files.Files, path)
		if err != nil {
			return nil, fmt.Errorf("%w: read built-in documents: %w", ErrDocument, err)
		}
		var one builtin
		if err := json.Unmarshal(b, &one); err != nil {
			return nil, fmt.Errorf("%w: read built-in document %s: %w", ErrDocument, path, err)
		}
		all[one.Name] = one
	}
	return all, nil
}
