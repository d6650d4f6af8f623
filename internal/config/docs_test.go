package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

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

// docs/configuration.md has a row for every key, and none for another.
func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.\\[\\]A-Z]+)` \\|").FindAllSubmatch(page, -1) {
		documented[string(row[1])] = true
	}
	for _, key := range keys(reflect.TypeFor[Config](), "") {
		if !documented[key] {
			t.Errorf("%s is not documented", key)
		}
		delete(documented, key)
	}
	delete(documented, "principals") // the list as such
	for key := range documented {
		t.Errorf("%s is documented and not a key", key)
	}
}

func keys(t reflect.Type, path string) (all []string) {
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
			all = append(all, name)
		}
	}
	return all
}
