package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/util"
)

// Checked is what a check found and what it was about.
type Checked struct {
	Findings []Finding
	// Data are files beside Rego that are read as data.
	Documents, Modules, Data int
	// Personas and Builtins, built-in documents, are those of a configuration.
	Personas, Builtins int
}

// CheckPaths reads policy documents and Rego as strictly as decisions need it,
// and reports everything that is wrong or doubtful. A path is a document, a
// module or a directory of either; all Rego is compiled together, with the
// built-in policy. JSON in a directory is a document if it looks like one, and
// data otherwise.
func CheckPaths(ctx context.Context, paths ...string) Checked {
	var c Checked
	var sources []Source
	seen := map[string]bool{}
	for _, path := range paths {
		if seen[filepath.Clean(path)] { // the same Rego twice would conflict with itself
			continue
		}
		seen[filepath.Clean(path)] = true
		if source, ok := c.path(path); ok {
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

// CheckDocuments is CheckPaths for files that are documents whatever they are
// called, as those are that a persona names.
func CheckDocuments(paths ...string) (c Checked) {
	for _, path := range paths {
		c.document(path)
	}
	return c
}

// path checks the documents of one path and returns its Rego, if it has any.
func (c *Checked) path(path string) (s Source, ok bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		c.Add(notRead(path, err))
		return s, false
	case !info.IsDir() && strings.HasSuffix(path, "_test.rego"):
		c.Add(Finding{File: path, Severity: Error, Message: "tests take no part in decisions; run them with policy test, and name the Rego that they test"})
		return s, false
	case !info.IsDir() && !isModule(path) && (!isData(path) || filepath.Ext(path) == ".json" && filepath.Base(path) != "data.json"):
		c.document(path)
		return s, false
	}
	files, err := listFiles(path)
	if err != nil {
		c.Add(notRead(path, err))
		return s, false
	}
	documents := c.Documents
	var rest []file
	modules := 0
	for _, f := range files {
		switch {
		case !isModule(f.path) && looksLikeDocument(f):
			c.documentText(f.shown, f.bytes)
		case isModule(f.path) && noText(f.bytes) != "":
			c.Add(Finding{File: f.shown, Line: 1, Severity: Error, Message: noText(f.bytes)})
		default:
			if isModule(f.path) {
				modules++
			}
			f.path = "own/0/" + f.path
			rest = append(rest, f)
		}
	}
	// Without Rego, what is beside documents is somebody else's.
	if len(rest) == 0 || modules == 0 && c.Documents > documents {
		return s, false
	}
	c.Modules += modules
	c.Data += len(rest) - modules
	s, err = newSource(rest, map[string]any{})
	for _, f := range Findings(err) {
		c.Add(inFile(f, rest))
	}
	return s, err == nil
}

func (c *Checked) document(path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		c.Add(notRead(path, err))
		return
	}
	c.documentText(path, b)
}

func (c *Checked) documentText(path string, b []byte) {
	c.Documents++
	d, err := readDocument(strings.TrimSuffix(filepath.Base(path), ".json"), path, b)
	if err == nil {
		c.Add(d.Warnings()...)
	} else if hint := noDocument(b); hint != "" {
		c.Add(Finding{File: path, Line: 1, Severity: Error, Message: hint})
	} else {
		c.Add(Findings(err)...)
	}
}

// inFile finds the file of a finding that names it without a line.
func inFile(f Finding, files []file) Finding {
	for _, one := range files {
		rest, ok := strings.CutPrefix(f.Message, one.shown+": ")
		if f.File != "" || !ok {
			continue
		}
		f.File, f.Message = one.shown, rest
	}
	return f
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

// notRead says of a path that nothing could be read there.
func notRead(path string, err error) Finding {
	f := Finding{File: path, Severity: Error, Message: strings.TrimLeft(strings.TrimPrefix(err.Error(), path), ": ")}
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		f.File, f.Message = at.Path, at.Err.Error()
	}
	switch {
	case path == "" || path == "-":
		f.File, f.Message = "", fmt.Sprintf("there is no file %q; name a file or a folder, or /dev/stdin for a document on standard input", path)
	case errors.Is(err, fs.ErrNotExist):
		f.Message = "there is no such file or folder; look at the name, and at the folder that it is seen from"
	case errors.Is(err, fs.ErrPermission):
		f.Message = "may not be read by this user; change its permissions"
	case strings.HasPrefix(f.Message, "holds no policy"):
		f.Message += "; name the folder that has them"
	}
	return f
}

// documentMembers are those of an IAM policy, and of what is printed around one.
var documentMembers = []string{"Statement", "PolicyVersion", "PolicyDocument"}

// looksLikeDocument: with an IAM policy's own members, or as the AWS CLI wraps
// one, or broken so that nobody can tell.
func looksLikeDocument(f file) bool {
	object := map[string]any{}
	b := bytes.TrimPrefix(f.bytes, []byte("\xef\xbb\xbf"))
	if filepath.Ext(f.path) == ".json" {
		if err := json.Unmarshal(b, &object); err != nil {
			return strings.Contains(string(b), `"Statement"`)
		}
	} else if util.Unmarshal(b, &object) != nil {
		return false
	}
	for _, member := range documentMembers {
		if _, ok := object[member]; ok {
			return true
		}
	}
	return false
}

// noText says what a file is that is no text at all.
func noText(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		return "is compressed; a bundle is checked with --config, as policy.bundle.file of a configuration"
	case bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")):
		return "is UTF-16; save it as UTF-8"
	case bytes.IndexByte(b, 0) >= 0:
		return "is no text; is this the right file?"
	}
	return ""
}

var yamlStatement = regexp.MustCompile(`(?m)^Statement:\s`)

// noDocument says what a refused file is, if it is something that people take
// for a document or that tools make of one: YAML, or a document within a text,
// as Terraform, CloudTrail and the IAM API carry it.
func noDocument(b []byte) string {
	if kind := noText(b); kind != "" {
		return kind
	}
	var value any
	err := json.Unmarshal(b, &value)
	if err != nil {
		switch {
		case strings.Contains(err.Error(), "exceeded max depth"):
			return "is nested deeper than any policy document; is this the right file?"
		case isEncoded(string(b)):
			return "is URL-encoded, as the IAM API returns it; decode it (" + decodeCommand + " <FILE)"
		case yamlStatement.Match(b):
			return "is YAML; a policy document is JSON, as AWS takes it (yq -o json . FILE prints it)"
		}
		return ""
	}
	path := ""
	if object, ok := value.(map[string]any); ok && object["Statement"] == nil {
		if inner, ok := object["PolicyVersion"].(map[string]any); ok {
			path, object = ".PolicyVersion", inner
		}
		for _, member := range []string{"Document", "PolicyDocument", "AssumeRolePolicyDocument", "policyDocument", "policy"} {
			if text, ok := object[member].(string); ok {
				value, path = text, path+"."+member
				break
			}
		}
	}
	text, ok := value.(string)
	if path == "" {
		path = "."
	}
	switch {
	case ok && isEncoded(text):
		return "holds the document URL-encoded in a text; decode it (jq -r " + path + " FILE | " + decodeCommand + ")"
	case ok && strings.HasPrefix(strings.TrimSpace(text), "{"):
		return "holds the document in a text; write what is in it alone (jq -r " + path + " FILE)"
	}
	return ""
}

const decodeCommand = `python3 -c "import sys, urllib.parse as u; print(u.unquote(sys.stdin.read()))"`

// isEncoded reports whether the text is a URL-encoded JSON object.
func isEncoded(text string) bool {
	text = strings.TrimSpace(text)
	decoded, err := url.PathUnescape(text)
	return err == nil && strings.HasPrefix(text, "%") && strings.HasPrefix(strings.TrimSpace(decoded), "{")
}
