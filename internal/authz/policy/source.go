package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// What a source may hold. They are far above what anybody writes by hand, and
// keep a path that was mistyped ("/") from being read for minutes.
const (
	maxSourceFiles = 2000
	maxSourceBytes = 32 << 20
	maxSourceDepth = 16
)

// Source is Rego and data of the user's own, parsed and held to what such Rego
// may do: it can deny, oblige and note, and it can never allow.
type Source struct {
	modules  map[string]*ast.Module // by a name that does not depend on where the files are
	data     map[string]any
	warnings []string
	// Revision is what a bundle calls itself; files have none.
	Revision string
}

// Warnings says what is legal in the source and hardly meant.
func (s Source) Warnings() []string { return slices.Clone(s.warnings) }

// file is one file of a source. Path is where it stands within the source and
// decides where its data go; shown is what errors call it.
type file struct {
	path, shown string
	bytes       []byte
}

// ReadPaths reads directories and single files as opa does: every .rego file is
// a module, every .json, .yaml and .yml file is data, placed by its directory.
// Tests (_test.rego) and what begins with a dot are left out.
//
// Every mistake is in the one error, an ErrPolicy, with file and line.
func ReadPaths(paths ...string) (Source, error) {
	var files []file
	var problems []error
	for i, path := range paths {
		found, err := listFiles(path)
		if err != nil {
			problems = append(problems, err)
		}
		for _, f := range found {
			f.path = fmt.Sprintf("own/%d/%s", i, f.path)
			files = append(files, f)
		}
	}
	if len(problems) > 0 {
		return Source{}, fmt.Errorf("%w: read policy: %w", ErrPolicy, errors.Join(problems...))
	}
	return newSource(files, map[string]any{})
}

// dataPlace is where the data of own/INDEX/DIRECTORY…/FILE belong.
func dataPlace(path string) []string {
	parts := strings.Split(path, "/")
	return parts[min(2, len(parts)-1) : len(parts)-1]
}

// listFiles reads path, a file or a directory with all below it. Symbolic links
// are followed: a mounted ConfigMap consists of them.
func listFiles(path string) (files []file, err error) {
	total := 0
	read := func(shown, name string) error {
		b, err := os.ReadFile(shown)
		if err != nil {
			return err
		}
		total += len(b)
		if len(files) == maxSourceFiles || total > maxSourceBytes {
			return fmt.Errorf("%s holds more than %d files or %d bytes; name the directory that holds only the policy", path, maxSourceFiles, maxSourceBytes)
		}
		files = append(files, file{path: name, shown: shown, bytes: b})
		return nil
	}
	var walk func(dir, name string, depth int) error
	walk = func(dir, name string, depth int) error {
		if depth > maxSourceDepth {
			return fmt.Errorf("%s: directories are more than %d deep; does a link lead back?", dir, maxSourceDepth)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			shown, name := filepath.Join(dir, entry.Name()), name+entry.Name()
			if strings.HasPrefix(entry.Name(), ".") {
				continue
			}
			info, err := os.Stat(shown)
			switch {
			case err != nil:
				return err
			case info.IsDir():
				err = walk(shown, name+"/", depth+1)
			case !info.Mode().IsRegular() || !isSourceFile(entry.Name()):
			default:
				err = read(shown, name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		err = walk(path, "", 0)
	case !isSourceFile(filepath.Base(path)):
		err = fmt.Errorf("%s: a policy file ends in .rego, .json, .yaml or .yml", path)
	default:
		err = read(path, filepath.Base(path))
	}
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no policy: no file ends in .rego (a _test.rego does not count), .json, .yaml or .yml", path)
	}
	return files, err
}

// isSourceFile: tests are for opa test, and take no part in decisions.
func isSourceFile(name string) bool {
	return isModule(name) && !strings.HasSuffix(strings.ToLower(name), "_test.rego") || isData(name)
}

func isModule(name string) bool { return strings.ToLower(filepath.Ext(name)) == ".rego" }

func isData(name string) bool {
	return slices.Contains([]string{".json", ".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
}

// newSource parses files, adds their data to data, and holds both to the rules.
func newSource(files []file, data map[string]any) (Source, error) {
	s := Source{modules: map[string]*ast.Module{}, data: data}
	var problems []error
	for _, f := range files {
		if isModule(f.path) {
			module, err := parseModule(f.shown, f.bytes)
			if err != nil {
				problems = append(problems, explained(err)...)
				continue
			}
			s.modules[f.path] = module
			continue
		}
		value, err := readData(f)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%w", f.shown, err))
			continue
		}
		if err := s.addData(dataPlace(f.path), value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", f.shown, err))
		}
	}
	if len(problems) == 0 {
		s.warnings, problems = s.review()
	}
	if len(problems) > 0 {
		return Source{}, fmt.Errorf("%w: own policy is refused:\n%w", ErrPolicy, errors.Join(problems...))
	}
	return s, nil
}

func parseModule(name string, b []byte) (*ast.Module, error) {
	return ast.ParseModuleWithOpts(name, string(b), ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
}

// readData reads one data file: strict JSON, or YAML. Its errors begin with the
// line, or with a blank.
func readData(f file) (value any, err error) {
	if strings.ToLower(filepath.Ext(f.path)) == ".json" {
		if err := checkText(f.bytes); err != nil {
			return nil, fmt.Errorf(" %w", err)
		}
		d := json.NewDecoder(bytes.NewReader(f.bytes))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf(" %w", err)
		}
		return value, nil
	}
	if err := checkYAML(f.bytes); err != nil {
		return nil, err
	}
	if err := util.Unmarshal(f.bytes, &value); err != nil { // as opa reads it
		return nil, fmt.Errorf(" is no YAML: %w", err)
	}
	return value, nil
}

// checkYAML refuses what opa's reader passes over in silence: a second document,
// and all but the last of equal keys.
func checkYAML(b []byte) error {
	parsed, err := parser.ParseBytes(b, 0)
	if err != nil {
		return notYAML(err)
	}
	if len(parsed.Docs) != 1 {
		return fmt.Errorf(" holds %d YAML documents; only one is read, so put each into a file of its own", len(parsed.Docs))
	}
	if parsed.Docs[0].Body == nil { // nothing, or a comment: null
		return nil
	}
	var any any
	if err := yaml.NodeToValue(parsed.Docs[0].Body, &any); err != nil {
		return notYAML(err)
	}
	return nil
}

func notYAML(err error) error {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	if m := yamlPlace.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s: is no YAML: %s", m[1], m[2])
	}
	return fmt.Errorf(" is no YAML: %s", text)
}

// yamlPlace is how the reader says where: "[LINE:COLUMN] MESSAGE".
var yamlPlace = regexp.MustCompile(`^\[([0-9]+):[0-9]+\] (.*)$`)

// addData puts value under the keys of path. Objects are merged; anything else
// that is there twice is a mistake.
func (s Source) addData(path []string, value any) error {
	for _, key := range slices.Backward(path) {
		value = map[string]any{key: value}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("data at the top must be an object; put the file into a directory, which then names it, or write {\"name\": …}")
	}
	return merge(s.data, object, "data")
}

// merge adds from to into, which alone is changed.
func merge(into, from map[string]any, path string) error {
	for _, key := range slices.Sorted(maps.Keys(from)) {
		old, ok := into[key]
		if !ok {
			into[key] = from[key]
			continue
		}
		a, isObject := old.(map[string]any)
		b, both := from[key].(map[string]any)
		if !isObject || !both {
			return fmt.Errorf("%s.%s is there already, from another file; rename one of the two", path, key)
		}
		a = maps.Clone(a)
		if err := merge(a, b, path+"."+key); err != nil {
			return err
		}
		into[key] = a
	}
	return nil
}

// joinSources adds what sources hold to the built-in modules and returns their data.
func joinSources(modules map[string]*ast.Module, sources []Source) (data map[string]any, err error) {
	data = map[string]any{}
	var problems []error
	for i, s := range sources {
		for path, module := range s.modules {
			modules[fmt.Sprintf("%d/%s", i, path)] = module
		}
		if err := merge(data, s.data, "data"); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: join policy: %w", ErrPolicy, errors.Join(problems...))
	}
	return data, nil
}

func warningsOf(sources []Source) (warnings []string) {
	for _, s := range sources {
		warnings = append(warnings, s.warnings...)
	}
	return warnings
}
