package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrToolList: the response to a tools/list is not a list that has one reading.
var ErrToolList = errors.New("read list of tools")

// Tool is one element of a list of tools.
type Tool struct {
	Name string
	Raw  json.RawMessage // as the server sent it

	described   bool
	description [2]int // of its string in Raw, with the quotes; zero if it is none
}

// ToolList is the answer to a tools/list: one page of tools inside its message.
type ToolList struct {
	Tools []Tool
	Next  string // the cursor of the next page; empty if there is none

	raw        []byte
	start, end int    // of the array in raw
	public     [2]int // of the value of cacheScope in raw, if it is not private; else zero
}

// Tools reads the result of a tools/list response that ReadServer returned.
// Every tool must have a name, in no second spelling, and every name must be
// the only one; otherwise the error is an ErrToolList.
func Tools(m *Message) (*ToolList, error) {
	if m.Kind != Response || m.Result == nil {
		return nil, fmt.Errorf("%w: the message has no result", ErrToolList)
	}
	r := &reader{raw: m.Result, limits: Limits{}.orDefault(), dec: jsontext.NewDecoder(bytes.NewBuffer(m.Result))}
	if r.dec.PeekKind() != '{' {
		return nil, fmt.Errorf("%w: the result is not an object", ErrToolList)
	}
	t := &ToolList{raw: m.Raw}
	var tools json.RawMessage
	names := map[string]bool{}
	_, err := r.object([]string{"tools", "nextCursor", "cacheScope"}, func(key []byte) (err *Error) {
		if string(key) != "tools" {
			v, err := r.value(false)
			if string(key) == "nextCursor" && err == nil && isText(v) {
				t.Next, _ = unquote(v) // valid: the decoder has read it
			}
			if string(key) == "cacheScope" && err == nil && string(v) != `"private"` {
				t.public = [2]int{m.Offset(v), m.Offset(v) + len(v)}
			}
			return err
		}
		if r.dec.PeekKind() != '[' {
			return r.refuse("tools is not an array")
		}
		tools, err = r.array(func() *Error {
			tool, err := r.tool()
			if err == nil && names[tool.Name] {
				err = r.refuse("two tools have the same name")
			}
			names[tool.Name] = true
			t.Tools = append(t.Tools, tool)
			return err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToolList, err)
	}
	if tools == nil {
		return nil, fmt.Errorf("%w: the result has no tools", ErrToolList)
	}
	t.start = m.Offset(tools)
	t.end = t.start + len(tools)
	return t, nil
}

func (r *reader) tool() (t Tool, err *Error) {
	if r.dec.PeekKind() != '{' {
		return t, r.refuse("a tool is not an object")
	}
	named := false
	t.Raw, err = r.object([]string{"name"}, func(key []byte) (err *Error) {
		switch string(key) {
		case "name":
			named = true
			t.Name, err = r.text("the name of a tool is not a string")
		case "description":
			t.described = true
			isString := r.dec.PeekKind() == '"'
			v, failed := r.value(false)
			if err = failed; isString {
				end := int(r.dec.InputOffset())
				t.description = [2]int{end - len(v), end}
			}
		default:
			_, err = r.value(false)
		}
		return err
	})
	if err == nil && !named {
		err = r.refuse("a tool has no name")
	}
	if start := int(r.dec.InputOffset()) - len(t.Raw); t.description[1] > 0 { // so far of the whole result
		t.description = [2]int{t.description[0] - start, t.description[1] - start}
	}
	return t, err
}

// with returns the tool with a note at the end of its description, and every
// other byte as it was.
func (t Tool) with(note string) []byte {
	quoted, err := jsontext.AppendQuote(nil, note)
	end := t.description[1]
	switch {
	case err != nil || note == "" || t.described && end == 0:
		return t.Raw
	case t.described:
		return Splice(t.Raw, end-1, end, quoted[1:])
	}
	return Splice(t.Raw, 1, 1, append(append([]byte(`"description":`), quoted...), ','))
}

// Keep returns the message with only the tools whose name is kept, and a
// cacheScope that lets nobody share the list: it is one principal's. Every other
// byte of the message stays as it is; if nothing is to change the message is
// returned itself. Source: MCP 2026-07-28, caching.
func (t *ToolList) Keep(keep func(name string) bool) []byte {
	return t.Edit(keep, func(string) string { return "" })
}

// Edit is Keep, and adds a note to the description of each kept tool for which
// there is one.
func (t *ToolList) Edit(keep func(name string) bool, note func(name string) string) []byte {
	array := []byte{'['}
	kept, changed := 0, false
	for _, tool := range t.Tools {
		if !keep(tool.Name) {
			changed = true
			continue
		}
		if kept++; kept > 1 {
			array = append(array, ',')
		}
		text := note(tool.Name)
		changed = changed || text != ""
		array = append(array, tool.with(text)...)
	}
	array = append(array, ']')
	if !changed {
		array = t.raw[t.start:t.end]
	}
	switch {
	case t.public[1] > t.end: // from the back, so that what stands before keeps its place
		return Splice(Splice(t.raw, t.public[0], t.public[1], private), t.start, t.end, array)
	case t.public[1] > 0:
		return Splice(Splice(t.raw, t.start, t.end, array), t.public[0], t.public[1], private)
	case !changed:
		return t.raw
	}
	return Splice(t.raw, t.start, t.end, array)
}

var private = []byte(`"private"`)
