package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/misspelled"
)

// ErrConfig is the class of every mistake in a configuration.
var ErrConfig = errors.New("invalid configuration")

// Load reads, completes and checks the file at path. All its mistakes are in
// the one error, each with its line and what to do.
func Load(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: read configuration: %w; to write one: ecs-mcp-proxy init --config FILE", ErrConfig, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read configuration: %w", ErrConfig, err)
	}
	c, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w %s:\n%w", ErrConfig, path, err)
	}
	return c, c.anchor(filepath.Dir(path))
}

// Parse is Load for bytes in memory; relative paths in it stay relative.
func Parse(b []byte) (*Config, error) {
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, fmt.Errorf("not YAML: %s", firstLine(yaml.FormatError(err, false, false)))
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, errors.New("line 1: the file must hold exactly one YAML document, and this one is empty or holds several")
	}
	lines := lineIndex{}
	problems := check(file.Docs[0].Body, reflect.TypeFor[Config](), "", lines)
	var c Config
	// Beside an unknown key the rest is looked at too, so that all is said at once.
	switch err := yaml.NodeToValue(file.Docs[0].Body, &c); {
	case err == nil:
		c.Complete()
		problems = append(problems, c.validate(lines)...)
	case len(problems) == 0: // else it is one of those
		problems = append(problems, errors.New(firstLine(yaml.FormatError(err, false, false))))
	}
	return &c, errors.Join(problems...)
}

// anchor makes the file's relative paths relative to its directory, so that it
// means the same wherever the proxy is started.
func (c *Config) anchor(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	join := func(p string) string {
		if p == "" || filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	c.Audit.File, c.Audit.KeyFile, c.Upstream.Lock = join(c.Audit.File), join(c.Audit.KeyFile), join(c.Upstream.Lock)
	c.Confirm.KeyFile = join(c.Confirm.KeyFile)
	for _, paths := range [][]string{c.Catalogs, c.Policy.Paths} {
		for i := range paths {
			paths[i] = join(paths[i])
		}
	}
	c.Policy.Bundle.File = join(c.Policy.Bundle.File)
	c.Policy.Bundle.TokenFile = join(c.Policy.Bundle.TokenFile)
	c.Traces.HeadersFile = join(c.Traces.HeadersFile)
	for i := range c.Upstream.URLs {
		c.Upstream.URLs[i].Credentials.TokenFile = join(c.Upstream.URLs[i].Credentials.TokenFile)
	}
	for i := range c.Listen.Auth.Tokens {
		c.Listen.Auth.Tokens[i].File = join(c.Listen.Auth.Tokens[i].File)
	}
	if j := c.Listen.Auth.JWT; j != nil {
		j.JWKSFile = join(j.JWKSFile)
	}
	if t := c.Listen.TLS; t != nil {
		t.Cert, t.Key, t.ClientCA = join(t.Cert), join(t.Key), join(t.ClientCA)
	}
	if key := c.Policy.Bundle.Key; key != nil {
		key.PublicKey = join(key.PublicKey)
	}
	for _, p := range c.Personas {
		for _, names := range [][]string{p.Identity, p.Boundary, p.MCP} {
			for i, name := range names {
				if IsPath(name) {
					names[i] = join(name)
				}
			}
		}
	}
	return nil
}

// IsPath reports whether the name of a policy document is a file, not a built-in one.
func IsPath(name string) bool { return strings.HasSuffix(name, ".json") }

// lineIndex is where each key stands, by its path ("personas.reader.role").
type lineIndex map[string]int

// valuePath is where the placeholders of built-in documents get their values.
var valuePath = regexp.MustCompile(`^personas\..+\.values\.[^.]+$`)

// check walks the document along the Go type, so that every unknown key and
// wrong type is found at once: the decoder itself stops at the first.
func check(n ast.Node, t reflect.Type, path string, lines lineIndex) []error {
	lines[path] = n.GetToken().Position.Line
	fail := func(format string, args ...any) []error {
		return []error{fmt.Errorf("line %d: %s", n.GetToken().Position.Line, fmt.Sprintf(format, args...))}
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return fail("%s: anchors, aliases and tags are not read here; write the value out", orTop(path))
	case *ast.NullNode:
		return fail("%s has no value; give it one or remove it", orTop(path))
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return checkMapping(n, t, path, lines)
	case reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			return fail("%s must be a list, [like, this]", orTop(path))
		}
		var problems []error
		for i, v := range list.Values {
			problems = append(problems, check(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i), lines)...)
		}
		return problems
	}
	if t == reflect.TypeFor[Duration]() {
		s, ok := n.(*ast.StringNode)
		if d, err := time.ParseDuration(stringOf(s, ok)); err != nil || d < 0 {
			return fail("%s must be a duration such as 10s or 2m", path)
		}
		return nil
	}
	_, isString := n.(*ast.StringNode)
	_, isInt := n.(*ast.IntegerNode)
	_, isBool := n.(*ast.BoolNode)
	_, isList := n.(*ast.SequenceNode)
	if _, literal := n.(*ast.LiteralNode); literal {
		isString = true
	}
	switch {
	case t.Kind() == reflect.String && isList && valuePath.MatchString(path):
		key := path[strings.LastIndex(path, ".")+1:]
		return fail("%s must be one value, not a list; for more, write a document of your own: ecs-mcp-proxy policy show --document NAME --value %s=… > FILE.json, and edit it", path, key)
	case t.Kind() == reflect.String && isList:
		return fail("%s must be one value, not a list", path)
	case t.Kind() == reflect.String && !isString:
		return fail("%s must be a string; put it in quotes", path)
	case t.Kind() == reflect.Int && !isInt:
		return fail("%s must be a whole number", path)
	case t.Kind() == reflect.Bool && !isBool:
		return fail("%s must be true or false", path)
	}
	return nil
}

func checkMapping(n ast.Node, t reflect.Type, path string, lines lineIndex) []error {
	var entries []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		entries = m.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{m}
	default:
		return []error{fmt.Errorf("line %d: %s must be a mapping (key: value)", n.GetToken().Position.Line, orTop(path))}
	}
	fields := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			fields[t.Field(i).Tag.Get("yaml")] = t.Field(i).Type
		}
	}
	var problems []error
	seen := map[string]bool{}
	for _, e := range entries {
		key := e.Key.GetToken().Value
		line := e.Key.GetToken().Position.Line
		child := strings.TrimPrefix(path+"."+key, ".")
		if seen[key] {
			problems = append(problems, fmt.Errorf("line %d: %s is there twice", line, child))
			continue
		}
		seen[key] = true
		ft, ok := fields[key]
		if t.Kind() == reflect.Map {
			ft, ok = t.Elem(), true
		}
		if !ok {
			problems = append(problems, fmt.Errorf("line %d: unknown key %s; known here: %s%s", line, child, names(fields), misspelled.Hint(key, maps.Keys(fields))))
			continue
		}
		problems = append(problems, check(e.Value, ft, child, lines)...)
		lines[child] = line
	}
	return problems
}

// UnmarshalYAML reads "10s".
func (d *Duration) UnmarshalYAML(b []byte) error {
	var s string
	if err := yaml.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}

func stringOf(s *ast.StringNode, ok bool) string {
	if !ok {
		return ""
	}
	return s.Value
}

func names(fields map[string]reflect.Type) string {
	keys := make([]string, 0, len(fields))
	for k := range fields {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return strings.Join(keys, ", ")
}

func orTop(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func firstLine(s string) string {
	i := slices.Index([]byte(s), '\n')
	if i < 0 {
		return s
	}
	return s[:i]
}
