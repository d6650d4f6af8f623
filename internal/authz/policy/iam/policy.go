package iam

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Policy is the documents of one persona, compiled. It is safe for concurrent use.
type Policy struct {
	layers []*layer // identity, then boundary and session if they have documents
	mcp    []*layer // what decides accesses of the pseudo-service mcp
}

// layerNames are the layers of AWS, in the order of their evaluation.
var layerNames = []string{"identity", "boundary", "session"}

// New compiles layers: lists of {"name", "document"} under "identity",
// "boundary", "session" and "mcp", as JSON has them. No identity policy allows
// nothing; no boundary, or no session policy, limits nothing. A document that
// cannot be read whole is an error.
// Source: IAM user guide, "Policy evaluation logic".
func New(layers map[string]any) (*Policy, error) {
	p := &Policy{}
	for _, name := range layerNames {
		statements, documents, err := readLayer(layers[name])
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", name, err)
		}
		if name == "identity" || documents > 0 {
			p.layers = append(p.layers, newLayer(name, statements))
		}
	}
	statements, _, err := readLayer(layers["mcp"])
	if err != nil {
		return nil, fmt.Errorf("compile mcp: %w", err)
	}
	p.mcp = []*layer{newLayer("mcp", statements)}
	return p, nil
}

// readLayer reads a list of named documents.
func readLayer(value any) (statements []*statement, documents int, err error) {
	if value == nil {
		return nil, 0, nil
	}
	entries, ok := value.([]any)
	if !ok {
		return nil, 0, errors.New("a layer is no list of documents")
	}
	for _, entry := range entries {
		named, _ := entry.(map[string]any)
		name, isString := named["name"].(string)
		document, isObject := named["document"].(map[string]any)
		if !isString || !isObject {
			return nil, 0, errors.New("a document without a name or a body")
		}
		version, _ := document["Version"].(string)
		for i, value := range list(document["Statement"]) {
			elements, ok := value.(map[string]any)
			if !ok {
				return nil, 0, fmt.Errorf("document %s: statement %d is no object", name, i)
			}
			s, err := newStatement(name, i, version, elements)
			if err != nil {
				return nil, 0, fmt.Errorf("document %s: statement %d: %w", name, i, err)
			}
			statements = append(statements, s)
		}
	}
	return statements, len(entries), nil
}

// layersOf returns the layers that decide an action of the service.
func (p *Policy) layersOf(action string) []*layer {
	if strings.HasPrefix(action, "mcp:") {
		return p.mcp
	}
	return p.layers
}

// sortedKeys returns unknown keys in one spelling each.
func sortedKeys(keys []string) []string {
	if len(keys) < 2 {
		return append([]string{}, keys...)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if c := strings.Compare(strings.ToLower(a), strings.ToLower(b)); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	keys = slices.CompactFunc(keys, func(a, b string) bool { return strings.ToLower(a) == strings.ToLower(b) })
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	return sorted
}
