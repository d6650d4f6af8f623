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

// Tests returns the files of all tests below a directory, by name: those of Go,
// those of Rego, and the scripts of the binary as TestScripts/NAME.
func Tests(root string) (map[string][]string, error) {
	all := map[string][]string{}
	note := func(name, path string) { all[name] = append(all[name], filepath.ToSlash(path)) }
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(name, "."):
			return fs.SkipDir
		case strings.HasSuffix(name, ".txtar"):
			note("TestScripts/"+strings.TrimSuffix(name, ".txtar"), path)
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
				note(string(m[1]), path)
			}
		}
		return nil
	})
	return all, err
}
