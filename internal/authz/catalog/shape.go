package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/misspelled"
)

// shape is what a value must look like: botocore's shape of an API parameter,
// or an argument as a catalogue declares it.
type shape struct {
	kind     string            // string, integer, double, boolean, timestamp, document, structure, list, map
	members  map[string]*shape // of a structure
	required []string
	of       *shape // members of a list, values of a map
	min, max *int   // of a number; length of a string or list
	union    bool   // exactly one member
	nullable bool
	pattern  *regexp.Regexp
}

// maxInteger is the largest integer that JavaScript and Go's float64 keep.
const maxInteger = 1<<53 - 1

var kindWords = map[string]string{
	"string": "a string", "integer": "a whole number", "double": "a number", "boolean": "true or false",
	"timestamp": "a date as a string or number", "structure": "an object", "map": "an object", "list": "a list",
}

// check refuses a value that the server or botocore would refuse, and more:
// nothing is converted, so "5" is not a number and 1 is not true.
func (s *shape) check(v *value, path string) error {
	if v.kind == 'n' && s.nullable || s.kind == "document" {
		return nil
	}
	if !s.matches(v) {
		if v.kind == '"' && (s.kind == "structure" || s.kind == "map") {
			return refuse(path, "must be an object, not a string that holds one")
		}
		return refuse(path, "must be %s", kindWords[s.kind])
	}
	switch s.kind {
	case "structure":
		return s.checkMembers(v, path)
	case "map":
		for i, name := range v.names {
			if err := checkKey(name, path); err != nil {
				return err
			}
			if err := s.of.check(v.members[i], join(path, printable(name))); err != nil {
				return err
			}
		}
	case "list":
		for i, m := range v.members {
			if err := s.of.check(m, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	}
	return s.checkBounds(v, path)
}

func (s *shape) matches(v *value) bool {
	switch s.kind {
	case "string":
		return v.kind == '"'
	case "integer":
		return v.kind == '0' && !strings.ContainsAny(v.text, ".eE")
	case "double":
		return v.kind == '0'
	case "timestamp":
		return v.kind == '0' || v.kind == '"'
	case "boolean":
		return v.kind == 't' || v.kind == 'f'
	case "structure", "map":
		return v.kind == '{'
	case "list":
		return v.kind == '['
	}
	return false
}

func (s *shape) checkMembers(v *value, path string) error {
	for i, name := range v.names {
		m, ok := s.members[name]
		if !ok {
			return refuse(join(path, printable(name)), "is not a known argument%s", misspelled.Hint(name, maps.Keys(s.members)))
		}
		if err := m.check(v.members[i], join(path, name)); err != nil {
			return err
		}
	}
	for _, name := range s.required {
		if !slices.Contains(v.names, name) {
			return refuse(join(path, name), "is required")
		}
	}
	if s.union && len(v.names) != 1 {
		return refuse(path, "must have exactly one member")
	}
	return nil
}

func (s *shape) checkBounds(v *value, path string) error {
	size, unit := 0, "characters"
	switch v.kind {
	case '0':
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil || f > maxInteger || f < -maxInteger {
			return refuse(path, "must be a number between -2^53+1 and 2^53-1")
		}
		if s.min != nil && f < float64(*s.min) || s.max != nil && f > float64(*s.max) {
			return refuse(path, "must be %s", s.bounds(""))
		}
		return nil
	case '"':
		if s.min != nil || s.max != nil {
			size = utf8.RuneCountInString(v.text)
		}
	case '[':
		size, unit = len(v.members), "elements"
	default:
		return nil
	}
	if s.min != nil && size < *s.min || s.max != nil && size > *s.max {
		return refuse(path, "must have %s", s.bounds(" "+unit))
	}
	if s.pattern != nil && !s.pattern.MatchString(v.text) {
		return refuse(path, "must match %s", strings.TrimSuffix(strings.TrimPrefix(s.pattern.String(), `\A(?:`), `)\z`))
	}
	return nil
}

func (s *shape) bounds(unit string) string {
	var words []string
	if s.min != nil {
		words = append(words, fmt.Sprintf("at least %d%s", *s.min, unit))
	}
	if s.max != nil {
		words = append(words, fmt.Sprintf("at most %d%s", *s.max, unit))
	}
	return strings.Join(words, " and ")
}

// checkKey refuses a free map's key that could be read as two.
func checkKey(name, path string) error {
	if hasControl(name) {
		return refuse(path, "has a key with control characters")
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// printable makes an unknown name fit to stand in a path.
func printable(name string) string {
	q := quote(name)
	if q == `"`+name+`"` && name != "" {
		return name
	}
	return q
}

// has reports whether a dotted path exists in the shape, lists gone through.
func (s *shape) has(path []string) bool {
	for s != nil && s.kind == "list" {
		s = s.of
	}
	if len(path) == 0 || s == nil {
		return s != nil
	}
	return s.members[path[0]].has(path[1:])
}
