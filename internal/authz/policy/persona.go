package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// layers are a persona's lists of documents, in the order of their evaluation.
func (p Persona) layers() []layer {
	return []layer{{"identity", p.Identity}, {"boundary", p.Boundary}, {"session", p.Session}, {"mcp", p.MCP}}
}

type layer struct {
	name      string
	documents []Document
}

// checkPersonas reads the documents once more.
func checkPersonas(personas map[string]Persona) (map[string]Persona, error) {
	checked := map[string]Persona{}
	for name, p := range personas {
		var problems []error
		check := func(documents []Document) (read []Document) {
			seen := map[string]bool{}
			for _, d := range documents {
				if seen[d.Name] {
					problems = append(problems, fmt.Errorf("two documents of one layer are named %q, so a reason could not say which", d.Name))
				}
				seen[d.Name] = true
				d, err := d.again()
				if err != nil {
					problems = append(problems, err)
				}
				read = append(read, d)
			}
			return read
		}
		checked[name] = Persona{Identity: check(p.Identity), Boundary: check(p.Boundary), Session: check(p.Session), MCP: check(p.MCP), Guardrails: p.Guardrails}
		if len(problems) > 0 {
			return nil, fmt.Errorf("%w: persona %s: %w", ErrPolicy, name, errors.Join(problems...))
		}
	}
	return checked, nil
}

// loadPersonas builds data.ecsmcp.config from checked personas.
func loadPersonas(personas map[string]Persona, guardrails map[string]guardrail) (map[string]any, error) {
	all := map[string]any{}
	for name, persona := range personas {
		loaded := map[string]any{}
		for _, layer := range persona.layers() {
			documents := []any{}
			for _, d := range layer.documents {
				document, err := d.value()
				if err != nil {
					return nil, fmt.Errorf("%w: persona %s: %w", ErrPolicy, name, err)
				}
				documents = append(documents, map[string]any{"name": d.Name, "document": document})
			}
			loaded[layer.name] = documents
		}
		settings, off, err := persona.Guardrails.apply(guardrails)
		if err != nil {
			return nil, fmt.Errorf("%w: persona %s: %w", ErrPolicy, name, err)
		}
		loaded["guardrails"], loaded["guardrails_off"] = settings, off
		all[name] = loaded
	}
	config := map[string]any{"personas": all, "protected_tags": protectedTags(personas), "guardrails": aboutGuardrails(guardrails)}
	return map[string]any{"ecsmcp": map[string]any{"config": config}}, nil
}

// value decodes the document, numbers as they are written.
func (d Document) value() (v any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(d.JSON))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrDocument, d.Name, err)
	}
	return v, nil
}

// tagKey finds the tag keys that a document looks at, in conditions and in
// policy variables alike.
var tagKey = regexp.MustCompile(`(?i)(?:[a-z0-9-]+:ResourceTag|ecs-mcp-proxy:SubjectTag)/([\p{L}\p{M}\p{N}\p{Zs}+=._:/@-]+)`)

// protectedTags are the tag keys that some persona's documents look at, each in
// one spelling. Environment is always among them.
func protectedTags(personas map[string]Persona) []any {
	found := map[string]string{"environment": "Environment"}
	for _, name := range slices.Sorted(maps.Keys(personas)) {
		for _, layer := range personas[name].layers() {
			for _, d := range layer.documents {
				for _, match := range tagKey.FindAllSubmatch(d.JSON, -1) {
					key := strings.TrimSpace(string(match[1]))
					if _, ok := found[strings.ToLower(key)]; !ok {
						found[strings.ToLower(key)] = key
					}
				}
			}
		}
	}
	tags := []any{}
	for _, folded := range slices.Sorted(maps.Keys(found)) {
		tags = append(tags, found[folded])
	}
	return tags
}

// Review says what loads and hardly does what was meant, each thing once: about
// the personas as a whole, then about their documents.
func Review(personas map[string]Persona) (found []Finding) {
	warn := func(format string, args ...any) {
		found = append(found, Finding{Severity: Warning, Message: fmt.Sprintf(format, args...)})
	}
	names := slices.Sorted(maps.Keys(personas))
	for _, name := range names {
		persona := personas[name]
		if len(persona.Identity) == 0 {
			warn("persona %s has no identity document, so it may do nothing at AWS", name)
		}
		if off := persona.Guardrails["tag_escalation"]; off == "off" || off == false {
			warn("persona %s has guardrail tag_escalation off, so whoever may change tags can first take away the tag that protects a resource", name)
		}
		if len(persona.Boundary) > 0 && !slices.ContainsFunc(persona.Boundary, Document.hasAllow) {
			warn("persona %s: no document of the boundary has an Allow, so it allows nothing; add a statement that allows what the boundary is not about", name)
		}
	}
	type text struct{ path, name, json string }
	seen := map[text]bool{}
	for _, name := range names {
		for _, layer := range personas[name].layers() {
			for _, d := range layer.documents {
				this := text{d.path, d.Name, string(d.JSON)}
				if !seen[this] {
					found = append(found, d.Warnings()...)
				}
				seen[this] = true
			}
		}
	}
	return found
}

// warnings are Review's words.
func warnings(personas map[string]Persona) (texts []string) {
	for _, f := range Review(personas) {
		texts = append(texts, f.String())
	}
	return texts
}

// hasAllow reports whether a statement of the document allows anything.
func (d Document) hasAllow() bool {
	statements, err := d.statements()
	return err == nil && slices.ContainsFunc(statements, func(s statement) bool { return s["Effect"] == "Allow" })
}
