package fakeaws

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// These read the few JSON shapes of a policy. The decoder itself refuses
// duplicate members, invalid UTF-8 and trailing values.

// members reads an object.
func members(v jsontext.Value) (map[string]jsontext.Value, error) {
	if v.Kind() != '{' {
		return nil, errors.New("a JSON object is needed")
	}
	var m map[string]jsontext.Value
	if err := json.Unmarshal(v, &m); err != nil {
		return nil, errors.New("syntax errors in policy: not strict JSON")
	}
	return m, nil
}

// oneOrMore reads an array, or a lone value as an array of one.
func oneOrMore(v jsontext.Value) []jsontext.Value {
	if v.Kind() != '[' {
		return []jsontext.Value{v}
	}
	var list []jsontext.Value
	if err := json.Unmarshal(v, &list); err != nil {
		return nil
	}
	return list
}

// text1 reads one string.
func text1(v jsontext.Value) (string, error) {
	var s string
	if v.Kind() != '"' {
		return "", errors.New("a string is needed")
	}
	err := json.Unmarshal(v, &s)
	return s, err
}

// texts reads one string or several.
func texts(v jsontext.Value) ([]string, error) {
	var all []string
	for _, v := range oneOrMore(v) {
		s, err := text1(v)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, errors.New("at least one value is needed")
	}
	return all, nil
}

// scalars reads strings, booleans and numbers, one or several, as text.
func scalars(v jsontext.Value) ([]string, error) {
	var all []string
	for _, v := range oneOrMore(v) {
		switch v.Kind() {
		case '"':
			s, err := text1(v)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		case 't', 'f', '0':
			all = append(all, string(v))
		default:
			return nil, errors.New("a string, boolean or number is needed")
		}
	}
	return all, nil
}
