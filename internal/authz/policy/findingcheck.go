package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Checked is what a check found and what it was about.
type Checked struct {
	Findings           []Finding
	Documents, Modules int
}

// CheckPaths reads policy documents and Rego as strictly as decisions need it,
// and reports everything that is wrong or doubtful. A path is a document, a
// module or a directory of either; all Rego is compiled together, with the
// built-in policy. JSON in a directory is a document if it looks like one, and
// data otherwise.
func CheckPaths(ctx context.Context, paths ...string) Checked {
	var c Checked
	var sources []Source
	for _, path := range paths {
		documents, modules, err := sortOut(path)
		if c.Add(Findings(err)...); err != nil {
			continue
		}
		for _, document := range documents {
			c.document(document)
		}
		if modules == 0 && len(documents) > 0 {
			continue
		}
		c.Modules += modules
		source, err := ReadPaths(path)
		if c.Add(Findings(err)...); err == nil {
			sources = append(sources, source)
		}
	}
	if len(sources) > 0 {
		engine, err := New(ctx, nil, sources...)
		if c.Add(Findings(err)...); err == nil {
			for _, warning := range engine.Warnings() {
				c.Warn(warning)
			}
		}
	}
	return c
}

func (c *Checked) document(path string) {
	c.Documents++
	d, err := ReadFile(path)
	if c.Add(Findings(err)...); err == nil {
		c.Add(d.Warnings()...)
	}
}

// Add adds findings, each once.
func (c *Checked) Add(findings ...Finding) {
	for _, f := range findings {
		if !slices.Contains(c.Findings, f) {
			c.Findings = append(c.Findings, f)
		}
	}
}

// Warn adds a warning as Engine.Warnings words it.
func (c *Checked) Warn(text string) {
	f := findingOf(text)
	f.Severity = Warning
	// A document's own warning is there already, with its place apart.
	if !slices.ContainsFunc(c.Findings, func(other Finding) bool { return other.String() == text }) {
		c.Add(f)
	}
}

// Count returns how many findings have the severity.
func (c *Checked) Count(s Severity) (n int) {
	for _, f := range c.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// sortOut tells what a path holds: the files that are documents, and how many
// modules there are.
func sortOut(path string) (documents []string, modules int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.IsDir() && filepath.Ext(path) == ".json" {
		return []string{path}, 0, nil
	}
	files, err := listFiles(path)
	if err != nil {
		return nil, 0, err
	}
	for _, f := range files {
		switch {
		case isModule(f.path):
			modules++
		case filepath.Ext(f.path) == ".json" && looksLikeDocument(f.bytes):
			documents = append(documents, f.shown)
		}
	}
	return documents, modules, nil
}

// looksLikeDocument: with an IAM policy's own members, or as the AWS CLI wraps
// one, or broken so that nobody can tell.
func looksLikeDocument(b []byte) bool {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &object); err != nil {
		return strings.Contains(string(b), `"Statement"`)
	}
	for _, member := range []string{"Statement", "PolicyVersion", "PolicyDocument"} {
		if _, ok := object[member]; ok {
			return true
		}
	}
	return false
}
