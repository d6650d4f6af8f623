package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Sample is one access that a built-in document is known to allow or to deny.
// Samples say what the documents are for; any evaluator of IAM policies must
// judge them alike.
type Sample struct {
	// Name says which document, under which layers, and what is tried.
	Name string
	// Document is the name of the built-in document that the sample is about.
	Document string
	// Persona has the layers to judge under, every placeholder filled.
	Persona Persona
	Access  authz.Access
	Verdict authz.Verdict
	// Statement is, unless it is empty, among those that decide.
	Statement string
}

// sampleFile is rego/personas/*/samples.json. docs/policy.md describes it.
type sampleFile struct {
	Fill    map[string]string `json:"fill"`
	Allowed []sample          `json:"allowed"`
	Denied  []sample          `json:"denied"`
}

type sample struct {
	Note       string                 `json:"note"`
	Action     string                 `json:"action"`
	Resource   string                 `json:"resource"`
	Context    map[string]authz.Value `json:"context"`
	Unknown    []string               `json:"unknown"`
	Unscopable bool                   `json:"unscopable"`
	// Boundary: judge only under the shipped boundary, or only without it;
	// neither said, under both.
	Boundary  *bool         `json:"boundary"`
	Expect    authz.Verdict `json:"expect"`
	Statement string        `json:"statement"`
}

// shippedBoundary is the document that samples of identity documents are judged
// under, besides alone.
const shippedBoundary = "region-and-production"

// everything stands for whatever identity a boundary may have to bound.
var everything = Document{Name: "everything", JSON: []byte(
	`{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`)}

// Samples returns the samples of all built-in documents, each once for every
// way of layers that it is judged under. Every error is an ErrDocument.
func Samples() ([]Sample, error) {
	boundary, err := readSamples(shippedBoundary)
	if err != nil {
		return nil, err
	}
	bounding, err := Builtin(shippedBoundary, boundary.Fill)
	if err != nil {
		return nil, err
	}
	var samples []Sample
	for _, name := range BuiltinNames() {
		file, err := readSamples(name)
		if err != nil {
			return nil, err
		}
		document, err := Builtin(name, file.Fill)
		if err != nil {
			return nil, err
		}
		for _, w := range waysOf(document, bounding) {
			for _, one := range file.Allowed {
				one.Expect = authz.Allowed
				samples = append(samples, w.judged(document.Name, "allowed", one)...)
			}
			for _, one := range file.Denied {
				samples = append(samples, w.judged(document.Name, "denied", one)...)
			}
		}
	}
	return samples, nil
}

// way is a set of layers to judge a document's samples under.
type way struct {
	name    string
	persona Persona
	// bounded: the way with the shipped boundary, or the one without it.
	bounded *bool
}

func waysOf(d, boundary Document) []way {
	with, without := true, false
	switch d.Layer {
	case "boundary":
		return []way{{"bounding", Persona{Identity: []Document{everything}, Boundary: []Document{d}}, nil}}
	case "mcp":
		return []way{{"mcp", Persona{MCP: []Document{d}}, nil}}
	}
	return []way{
		{"alone", Persona{Identity: []Document{d}}, &without},
		{"bounded", Persona{Identity: []Document{d}, Boundary: []Document{boundary}}, &with},
	}
}

// judged returns the sample under w, if it is meant for it.
func (w way) judged(document, list string, s sample) []Sample {
	if s.Boundary != nil && w.bounded != nil && *s.Boundary != *w.bounded {
		return nil
	}
	return []Sample{{
		Name:     fmt.Sprintf("%s %s: %s (%s)", document, list, s.Note, w.name),
		Document: document,
		Persona:  w.persona,
		Access: authz.Access{
			Action: s.Action, Resource: s.Resource, Context: s.Context,
			Unknown: s.Unknown, Unscopable: s.Unscopable,
		},
		Verdict:   s.Expect,
		Statement: s.Statement,
	}}
}

// readSamples reads the samples of a built-in document, strictly: a member that
// nobody reads would be a promise that nobody tests.
func readSamples(document string) (sampleFile, error) {
	path := "personas/" + strings.ReplaceAll(document, "-", "_") + "/samples.json"
	b, err := fs.ReadFile(files.Files, path)
	if err != nil {
		return sampleFile{}, fmt.Errorf("%w: read samples: %w", ErrDocument, err)
	}
	var file sampleFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return sampleFile{}, fmt.Errorf("%w: read samples %s: %w", ErrDocument, path, err)
	}
	return file, nil
}
