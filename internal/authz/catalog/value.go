package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds nesting; the deepest ECS request has about ten levels.
const maxDepth = 64

// value is one JSON value with its numbers untouched. kind is the first
// character of the JSON token: { [ " 0 t f n.
type value struct {
	kind    byte
	text    string   // of a string or a number
	names   []string // of an object, beside members
	members []*value
}

// read reads exactly one JSON value with unique names and valid UTF-8, so that
// Go and Python see the same. An empty input is an empty object.
func read(b []byte) (*value, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return &value{kind: '{'}, nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(b)) // which it reads in place
	v, err := readValue(d, 0)
	if err != nil {
		return nil, refuse("", "are not one well-formed JSON value without duplicate names")
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, refuse("", "hold something after the JSON value")
	}
	return v, nil
}

var errDepth = errors.New("nested too deep")

func readValue(d *jsontext.Decoder, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	v := &value{kind: byte(token.Kind())}
	switch v.kind {
	case '"', '0':
		v.text = token.String()
	case '{', '[':
		closing := jsontext.Kind(v.kind + 2) // in ASCII, for both
		for d.PeekKind() != closing {
			if v.kind == '{' {
				name, err := d.ReadToken()
				if err != nil {
					return nil, err
				}
				v.names = append(v.names, name.String())
			}
			m, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			v.members = append(v.members, m)
		}
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// get returns a member of an object, or nil; a null counts as not given.
func (v *value) get(name string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	for i, n := range v.names {
		if n == name {
			if v.members[i].kind == 'n' {
				return nil
			}
			return v.members[i]
		}
	}
	return nil
}

// found is a value with the path it was found at.
type found struct {
	*value
	path   string
	inList bool
}

// find returns the values at a dotted path; lists on the way are gone through.
func (v *value) find(path []string, at string) []found {
	return appendFound(nil, v, path, at, false)
}

func appendFound(out []found, v *value, path []string, at string, inList bool) []found {
	switch {
	case v == nil:
		return out
	case v.kind == '[':
		for i, m := range v.members {
			out = appendFound(out, m, path, fmt.Sprintf("%s[%d]", at, i), true)
		}
		return out
	case len(path) == 0:
		return append(out, found{v, at, inList})
	}
	return appendFound(out, v.get(path[0]), path[1:], join(at, path[0]), inList)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
