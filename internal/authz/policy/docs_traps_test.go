package policy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// docs/policy.md names a test for each trap and corner case; the tests are there,
// and none of them is left out.
func TestTrapsAreDocumented(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	find := func(form string, paths ...string) []string {
		var names []string
		for _, path := range paths {
			b, err := os.ReadFile(filepath.Join(root, path))
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(form).FindAllSubmatch(b, -1) {
				names = append(names, string(match[1]))
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	written := find(`(?m)^(test_(?:trap|corner)_\w+)`, "rego/traps/traps_test.rego", "rego/iam/corner_test.rego")
	told := find("`(test_(?:trap|corner)_\\w+)`", "docs/policy.md")
	for _, name := range written {
		if !slices.Contains(told, name) {
			t.Errorf("docs/policy.md does not name %s", name)
		}
	}
	for _, name := range told {
		if !slices.Contains(written, name) {
			t.Errorf("docs/policy.md names %s, which is no test", name)
		}
	}
	if len(written) < 50 {
		t.Errorf("found %d tests only", len(written))
	}
}
