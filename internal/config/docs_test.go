package config

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

var update = flag.Bool("update", false, "write the table of docs/configuration.md")

// The README's configuration is one that the program takes.
func TestTheReadmesConfigurationIsTaken(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(version: 1\n.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) != 1 {
		t.Fatalf("%d configurations in the README, want 1", len(blocks))
	}
	if _, err := Parse(blocks[0][1]); err != nil {
		t.Error(err)
	}
}

// A configuration on a page, whole or in part, has keys that are there, of their types.
func TestTheConfigurationsOfThePagesHaveTheirKeys(t *testing.T) {
	names, err := docstest.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	top := map[string]bool{}
	for i := range reflect.TypeFor[Config]().NumField() {
		top[reflect.TypeFor[Config]().Field(i).Tag.Get("yaml")] = true
	}
	found := 0
	for _, name := range names {
		b, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range docstest.Blocks(string(b)) {
			first := regexp.MustCompile(`\A(?:#.*\n)*([a-z_]+):`).FindStringSubmatch(block.Text)
			if block.Kind != "yaml" || first == nil || !top[first[1]] {
				continue
			}
			found++
			if err := yaml.UnmarshalWithOptions([]byte(block.Text), &Config{}, yaml.Strict()); err != nil {
				t.Errorf("%s, line %d: %v", name, block.Line, err)
			}
		}
	}
	if found < 12 {
		t.Errorf("found only %d configurations", found)
	}
}

const page = "../../docs/configuration.md"

// docs/configuration.md has a row for every key with its type, in the order of the
// types' fields, and none for another. What a key means is written there by hand:
// -update writes the rest, and wants it for a new one.
func TestEveryKeyIsDocumented(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z_.\\[\\]A-Z]+)` \\|.*\n")
	documented := map[string][]string{}
	for _, row := range rows.FindAllString(string(b), -1) {
		cells := cellsOf(row)
		documented[strings.Trim(cells[0], "`")] = cells
	}
	const head = "| key | type | meaning | default |\n|---|---|---|---|\n"
	table := head
	for _, key := range keys(reflect.TypeFor[Config](), "") {
		cells := documented[key.name]
		delete(documented, key.name)
		switch len(cells) {
		case 3: // as somebody wrote it: key, meaning, default
			cells = []string{cells[0], "", cells[1], cells[2]}
		case 4:
		default:
			t.Errorf("%s is not documented: add a row | `%s` | meaning | default | to docs/configuration.md", key.name, key.name)
			continue
		}
		table += strings.Join([]string{"| `" + key.name + "`", typeName(key.typ), cells[2], cells[3]}, " | ") + " |\n"
	}
	for key := range documented {
		t.Errorf("%s is documented and not a key", key)
	}
	if t.Failed() {
		return
	}
	old := strings.Join(rows.FindAllString(string(b), -1), "")
	before, after, ok := strings.Cut(string(b), old)
	begin := strings.LastIndex(before, "\n\n") + 2
	if !ok || begin < 2 {
		t.Fatal("the keys are not in one table, after an empty line")
	}
	want := before[:begin] + table + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(b) {
		t.Error("the table of keys is not as the types have it; run: go test ./internal/config -update")
	}
}

// The defaults that the page names are those that the program fills in.
func TestTheDocumentedDefaultsAreTrue(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if cells := cellsOf(line); len(cells) == 4 {
			rows[strings.Trim(cells[0], "`")] = cells[3]
		}
	}
	c := Config{Personas: map[string]Persona{"NAME": {}}, Policy: Policy{Bundle: Bundle{URL: "https://example.org", Key: &BundleKey{}}},
		Listen: Listen{TLS: &TLS{}, Auth: Auth{JWT: &JWT{}}}}
	c.Complete()
	checked := 0
	for _, key := range keys(reflect.TypeFor[Config](), "") {
		value, ok := valueAt(reflect.ValueOf(c), strings.Split(key.name, "."))
		if !ok || value.IsZero() || key.name == "policy.bundle.url" || value.Kind() == reflect.Slice {
			continue
		}
		checked++
		said := rows[key.name]
		want := fmt.Sprint(value.Interface())
		if d, ok := value.Interface().(Duration); ok {
			named, err := time.ParseDuration(strings.Trim(said, "`"))
			if want = d.D().String(); err == nil {
				said = named.String()
			}
		}
		switch {
		case strings.Trim(said, "`") == want:
		case key.name == "limits.message_bytes" && said == "16 MiB" && want == strconv.Itoa(16<<20):
		case key.name == "limits.burst" && said == "twice `limits.rate`" && c.Limits.Burst == 2*c.Limits.Rate:
		case key.name == "limits.principal_sessions" && said == "half of `limits.sessions`" && c.Limits.PrincipalSessions == c.Limits.Sessions/2:
		case key.name == "audit.file" && strings.HasPrefix(said, "`$XDG_STATE_HOME/"):
		default:
			t.Errorf("%s is %s if it is left out; the page says %q", key.name, want, said)
		}
	}
	if checked < 20 {
		t.Errorf("only %d keys have a default", checked)
	}
}

// cellsOf returns the cells of a row of a table.
func cellsOf(row string) []string {
	row, ok := strings.CutPrefix(strings.TrimSpace(row), "|")
	if !ok {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(row, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// valueAt follows a key through structs, pointers and the persona NAME.
func valueAt(v reflect.Value, path []string) (reflect.Value, bool) {
	if len(path) == 0 {
		return v, true
	}
	switch v.Kind() {
	case reflect.Pointer:
		return valueAt(v.Elem(), path)
	case reflect.Map:
		v = v.MapIndex(reflect.ValueOf(path[0]))
		return valueAt(v, path[1:])
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("yaml") == path[0] {
				return valueAt(v.Field(i), path[1:])
			}
		}
	}
	return v, false // an entry of a list
}

// key is one setting and its type.
type key struct {
	name string
	typ  reflect.Type
}

func keys(t reflect.Type, path string) (all []key) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := strings.TrimPrefix(path+"."+f.Tag.Get("yaml"), ".")
		switch {
		case f.Type.Kind() == reflect.Struct:
			all = append(all, keys(f.Type, name)...)
		case f.Type.Kind() == reflect.Pointer:
			all = append(all, keys(f.Type.Elem(), name)...)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			all = append(all, keys(f.Type.Elem(), name+"[]")...)
		case f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() == reflect.Struct:
			all = append(all, keys(f.Type.Elem(), name+".NAME")...)
		default:
			all = append(all, key{name, f.Type})
		}
	}
	return all
}

// typeName is what a file's author calls a type.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return "duration"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "number"
	case t.Kind() == reflect.Bool:
		return "true, false"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Map:
		return "object"
	}
	return "text"
}
