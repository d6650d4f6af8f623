package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	files "github.com/ecs-mcp-proxy/ecs-mcp-proxy/rego"
)

// loadTests reads the modules of a run, which of them are tested themselves, and
// the data beside them.
func loadTests(paths []string) (modules, tested map[string]*ast.Module, data map[string]any, err error) {
	library, err := loadRego(underRego{files.Files}, "rego")
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the built-in policy: %w", err)
	}
	if len(paths) == 0 {
		return parsed(library), parsed(library), library.Documents, nil
	}
	own, err := loadRego(nil, paths...)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read tests: %w", opaErrors(err))
	}
	tested, modules = parsed(own), parsed(own)
	for _, module := range tested {
		if module.Package.Path.String() == "data.ecsmcp.iam" {
			return modules, tested, own.Documents, nil
		}
	}
	for name, module := range parsed(library) {
		if !strings.HasSuffix(name, "_test.rego") {
			modules["built-in "+name] = module
		}
	}
	return modules, tested, own.Documents, nil
}

func loadRego(from fs.FS, paths ...string) (*loader.Result, error) {
	l := loader.NewFileLoader().WithRegoVersion(ast.RegoV1).WithProcessAnnotation(true)
	if from != nil {
		l = l.WithFS(from)
	}
	return l.Filtered(paths, func(_ string, info fs.FileInfo, _ int) bool {
		return strings.HasPrefix(info.Name(), ".") && len(info.Name()) > 1 // as policy.paths is read
	})
}

func parsed(r *loader.Result) map[string]*ast.Module {
	modules := map[string]*ast.Module{}
	for _, m := range r.Modules {
		modules[m.Name] = m.Parsed
	}
	return modules
}

// underRego shows the embedded files in a folder rego, so that results read as
// those of opa test rego in a checkout.
type underRego struct{ fs.FS }

func (u underRego) Open(name string) (fs.File, error) {
	below, err := filepath.Rel("rego", filepath.FromSlash(name))
	if err != nil || strings.HasPrefix(below, "..") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.Join(err, fs.ErrNotExist)}
	}
	return u.FS.Open(filepath.ToSlash(below))
}

// opaErrors says what OPA found as policy check does: one a line, and what to do.
func opaErrors(err error) error {
	var many loader.Errors
	if !errors.As(err, &many) {
		many = loader.Errors{err}
	}
	var problems []error
	for _, one := range many {
		for _, f := range policy.Findings(one) {
			text := f.String()
			switch {
			case strings.HasSuffix(text, ": EOF"):
				text += "; it is empty: write {} or remove it"
			case strings.Contains(text, "can't recognize file type"):
				text += "; tests and what they test end in .rego, data in .json or .yaml"
			case errors.Is(one, fs.ErrNotExist):
				text += "; name files or folders that are there"
			}
			problems = append(problems, errors.New(text))
		}
	}
	if len(problems) == 1 {
		return problems[0]
	}
	return fmt.Errorf("%d mistakes:\n%w", len(problems), errors.Join(problems...))
}
