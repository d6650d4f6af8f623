package explain

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// page reads docs/explain.md.
func pageOf(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What the page shows is what the golden file has.
func TestTheExampleOfThePageIsTrue(t *testing.T) {
	block := regexp.MustCompile("(?s)```console\n(.*?)```").FindStringSubmatch(pageOf(t))
	if block == nil {
		t.Fatal("the page has no example")
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "a-deployer-deletes-a-production-service.golden"))
	if err != nil {
		t.Fatal(err)
	}
	_, output, ok := strings.Cut(block[1], "}'\n")
	if !ok {
		t.Fatal("the example has no output")
	}
	for part := range strings.SplitSeq(output, "…\n") {
		if !strings.Contains(string(golden), part) {
			t.Errorf("the golden file does not have\n%s", part)
		}
	}
}

func TestEveryMemberAndKindIsOnThePage(t *testing.T) {
	page := pageOf(t)
	names := []string{"tag", "value", "resource", "persona", "setting", "statement", "region", "guardrail"}
	for i := range reflect.TypeFor[Explanation]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Explanation]().Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	for _, name := range names {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%s is not on the page", name)
		}
	}
}
