package docstest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	goTest   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z]\w*)\(`)
	regoTest = regexp.MustCompile(`(?m)^(test_\w+)\b`)
)

// Tests returns the names of all tests below a directory: those of Go, those of
// Rego, and the scripts of the binary as TestScripts/NAME.
func Tests(root string) (map[string]bool, error) {
	all := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(name, "."):
			return fs.SkipDir
		case strings.HasSuffix(name, ".txtar"):
			all["TestScripts/"+strings.TrimSuffix(name, ".txtar")] = true
		case strings.HasSuffix(name, "_test.go"), strings.HasSuffix(name, "_test.rego"):
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			form := goTest
			if strings.HasSuffix(name, ".rego") {
				form = regoTest
			}
			for _, m := range form.FindAllSubmatch(b, -1) {
				all[string(m[1])] = true
			}
		}
		return nil
	})
	return all, err
}
