package main

import (
	"archive/zip"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
)

// shape is what botocore checks about one value before it sends anything:
// type, members, required members, and the lower bounds it enforces.
type shape struct {
	Type     string            `json:"type"`
	Members  map[string]string `json:"members,omitempty"`
	Required []string          `json:"required,omitempty"`
	Of       string            `json:"of,omitempty"` // members of a list, values of a map
	Min      int               `json:"min,omitempty"`
	Union    bool              `json:"union,omitempty"`
}

type model struct {
	Operations map[string]struct{ Input, Output struct{ Shape string } }
	Shapes     map[string]modelShape
}

type modelShape struct {
	Type     string
	Members  map[string]struct{ Shape string }
	Member   struct{ Shape string }
	Value    struct{ Shape string }
	Required []string
	Min      float64
	Union    bool
	Document bool

	Sensitive bool
}

const ecsModel = "botocore/data/ecs/2014-11-13/service-2.json.gz"

func (t *table) addShapes(wheel, answers string) error {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer z.Close()
	f, err := z.Open(ecsModel)
	if err != nil {
		return err
	}
	defer f.Close()
	g, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(g)
	if err != nil {
		return err
	}
	var m model
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	version := "unknown"
	for _, f := range z.File {
		if dir, ok := strings.CutSuffix(f.Name, ".dist-info/METADATA"); ok {
			version = strings.TrimPrefix(dir, "botocore-")
		}
	}
	t.Sources = append(t.Sources, source{"botocore (PyPI)", version, "Apache-2.0", "inputs, shapes: Amazon ECS API model 2014-11-13"})
	for name, op := range m.Operations {
		if _, ok := t.Actions["ecs:"+name]; !ok {
			continue // newer than the authorization data: unknown, so refused
		}
		t.Inputs["ecs:"+name] = op.Input.Shape
		t.addShape(m.Shapes, op.Input.Shape)
	}
	return writeAnswers(answers, m, t.Actions)
}

// addShape adds the shape and all it contains, and returns its name; scalars
// without a bound are known by their type alone.
func (t *table) addShape(shapes map[string]modelShape, name string) string {
	s := shapes[name]
	kind := s.Type
	switch {
	case s.Document:
		return "document"
	case kind == "long":
		kind = "integer"
	case kind == "float":
		kind = "double"
	}
	out := shape{Type: kind, Required: s.Required, Min: int(s.Min), Union: s.Union}
	if kind != "structure" && kind != "list" && kind != "map" && out.Min == 0 {
		return kind
	}
	if _, done := t.Shapes[name]; done {
		return name
	}
	t.Shapes[name] = out // before its members: shapes may be recursive
	switch kind {
	case "structure":
		out.Members = map[string]string{}
		for member, ref := range s.Members {
			out.Members[member] = t.addShape(shapes, ref.Shape)
		}
	case "list":
		out.Of = t.addShape(shapes, s.Member.Shape)
	case "map":
		out.Of = t.addShape(shapes, s.Value.Shape)
	}
	t.Shapes[name] = out
	return name
}
