package docstest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

func read(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func pages(t *testing.T) []string {
	t.Helper()
	all, err := docstest.Pages("../..")
	if err != nil || len(all) < 15 {
		t.Fatalf("found only %v: %v", all, err)
	}
	return all
}

// A page that names a test names one that is there.
func TestEveryTestThatADocumentNamesIsThere(t *testing.T) {
	tests, err := docstest.Tests("../..")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, page := range pages(t) {
		for _, m := range regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*(?:/\\w+)?)`").FindAllStringSubmatch(read(t, page), -1) {
			named++
			proves := func(path string) bool {
				return !strings.Contains(path, "/fakeaws/") && !strings.Contains(path, "/iamtest/")
			}
			if !slices.ContainsFunc(tests[m[1]], proves) {
				t.Errorf("%s: there is no %s, or it is one of what tests are made of: %v", page, m[1], tests[m[1]])
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d tests are named", named)
	}
}

// A link within the repository leads to a file that is there, and to a heading of it.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	followed := 0
	for _, page := range pages(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			followed++
			file := page
			if target != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(page), target))
			}
			if _, err := os.Stat(filepath.Join("../..", file)); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s: %s has no heading %q; it has %q", page, file, anchor, anchors(read(t, file)))
			}
		}
	}
	if followed < 100 {
		t.Errorf("followed only %d links", followed)
	}
}

// anchors are the names of a page's headings, as GitHub makes them.
func anchors(page string) (all []string) {
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "") // comments of scripts are no headings
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		name := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		all = append(all, regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(name, ""))
	}
	return all
}

// Every row of a table whose last column is its proof has one.
func TestEveryFaultAndThreatNamesItsProof(t *testing.T) {
	proof := regexp.MustCompile("`(?:Test|Fuzz)[A-Z]|`test_|`make ")
	for page, least := range map[string]int{"docs/operations.md": 20, "docs/threat-model.md": 20} {
		rows, inside := 0, false
		for line := range strings.Lines(read(t, page)) {
			switch line = strings.TrimSpace(line); {
			case strings.HasSuffix(line, "| test |"):
				inside = true
			case !strings.HasPrefix(line, "|"):
				inside = false
			case inside && !strings.HasPrefix(line, "|--"):
				cells := strings.Split(strings.Trim(line, "|"), " | ")
				if rows++; !proof.MatchString(cells[len(cells)-1]) {
					t.Errorf("%s: nothing proves\n%s", page, line)
				}
			}
		}
		if rows < least {
			t.Errorf("%s has %d rows with a test", page, rows)
		}
	}
}

// internals are error classes that no operator ever reads.
var internals = []string{"not a JSON object", "read line: longer than the limit; send less in one message", "write line: contains a line break"}

// docs/operations.md explains every class of refusal and every error class of the program.
func TestEveryErrorClassIsDocumented(t *testing.T) {
	page := read(t, "docs/operations.md")
	_, section, _ := strings.Cut(page, "\n## What a refusal means\n")
	section, _, ok := strings.Cut(section, "\n## ")
	if !ok {
		t.Fatal("the page has no classes")
	}
	documented := map[string]bool{}
	for row := range strings.Lines(section) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(row, "| "), " | "); ok {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
				documented[m[1]] = true
			}
		}
	}
	there := map[string]bool{}
	for _, name := range slices.Concat(sentinels(t), classes(t)) {
		there[name] = true
		if !documented[name] && !slices.Contains(internals, name) {
			t.Errorf("docs/operations.md does not say what %q means", name)
		}
	}
	for name := range documented {
		if !there[name] {
			t.Errorf("docs/operations.md explains %q, which is no class", name)
		}
	}
}

// sentinels are the texts of the errors that classes of errors are told by.
func sentinels(t *testing.T) (all []string) {
	for _, file := range productFiles(t) {
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if len(v.Values) != 1 || !ast.IsExported(v.Names[0].Name) && v.Names[0].Name != "errUsage" || !strings.HasPrefix(strings.ToLower(v.Names[0].Name), "err") {
					continue
				}
				if call, ok := v.Values[0].(*ast.CallExpr); ok && len(call.Args) == 1 {
					if text, ok := call.Args[0].(*ast.BasicLit); ok {
						all = append(all, unquote(t, text.Value))
					}
				}
			}
		}
	}
	if len(all) < 25 {
		t.Fatalf("found only %q", all)
	}
	return all
}

// classes are the classes of refusals and outcomes.
func classes(t *testing.T) (all []string) {
	for _, file := range productFiles(t) {
		if file.Name.Name != "mcp" {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if ok && len(v.Values) == 1 && regexp.MustCompile(`^class[A-Z]`).MatchString(v.Names[0].Name) {
				if text, ok := v.Values[0].(*ast.BasicLit); ok {
					all = append(all, unquote(t, text.Value))
				}
			}
			return true
		})
	}
	if len(all) < 15 {
		t.Fatalf("found only %q", all)
	}
	return all
}

func unquote(t *testing.T, literal string) string {
	t.Helper()
	text, err := strconv.Unquote(literal)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// productFiles are the parsed files of the program, without what only tests,
// benchmarks and the demo use.
func productFiles(t *testing.T) (all []*ast.File) {
	t.Helper()
	for _, root := range []string{"../../cmd", "../../internal"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && slices.Contains([]string{"fakeaws", "bench", "demo", "docstest", "iamtest", "gen", "testdata"}, entry.Name()) {
				return fs.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, b, 0)
			if err == nil {
				all = append(all, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
