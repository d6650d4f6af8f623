package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// WithMeta returns a client's line with these members in params._meta. What was
// there under one of the names, in any case, is left out; every other byte is as
// it was sent. m is a request or a notification.
func (m *Message) WithMeta(set map[string]string) ([]byte, error) {
	if len(set) == 0 {
		return m.Raw, nil
	}
	meta, err := withMembers(m.Meta, set)
	if err != nil {
		return nil, fmt.Errorf("write _meta: %w", err)
	}
	if m.Meta != nil {
		start := m.Offset(m.Meta)
		return Splice(m.Raw, start, start+len(m.Meta), meta), nil
	}
	meta = append([]byte(`"_meta":`), meta...)
	if m.Params != nil {
		if len(bytes.Trim(m.Params[1:len(m.Params)-1], " \t")) > 0 {
			meta = append(meta, ',')
		}
		start := m.Offset(m.Params) + 1
		return Splice(m.Raw, start, start, meta), nil
	}
	end := bytes.LastIndexByte(m.Raw, '}')
	return Splice(m.Raw, end, end, slices.Concat([]byte(`,"params":{`), meta, []byte("}"))), nil
}

// withMembers returns an object with these members in front of its own.
func withMembers(object json.RawMessage, set map[string]string) ([]byte, error) {
	var members [][]byte
	for _, name := range slices.Sorted(maps.Keys(set)) {
		quoted, err := jsontext.AppendQuote(nil, name)
		if err == nil {
			quoted, err = jsontext.AppendQuote(append(quoted, ':'), set[name])
		}
		if err != nil {
			return nil, err
		}
		members = append(members, quoted)
	}
	if object != nil {
		own, err := membersBut(object, set)
		if err != nil {
			return nil, err
		}
		members = append(members, own...)
	}
	return slices.Concat([]byte("{"), bytes.Join(members, []byte(",")), []byte("}")), nil
}

// membersBut are the members of an object as they were written, but for those of
// these names.
func membersBut(object json.RawMessage, set map[string]string) (members [][]byte, err error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(object))
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	for dec.PeekKind() != '}' {
		quoted, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		member := slices.Clone(quoted)
		name, err := unquote(json.RawMessage(member))
		if err != nil {
			return nil, err
		}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if !hasFolded(set, name) {
			members = append(members, slices.Concat(member, []byte(":"), value))
		}
	}
	return members, nil
}

func hasFolded(set map[string]string, name string) bool {
	for known := range set {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}
