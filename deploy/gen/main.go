// Command gen writes the roles of deploy/ from the documents that the Rego
// evaluates (rego/personas), so that what AWS allows a persona and what policy
// allows it are one text:
//
//	go run ./deploy/gen
//
// It writes cloudformation/roles.yaml whole, and terraform/personas.tf, which
// the hand-written rest of the module reads.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const header = "# Written by \"go run ./deploy/gen\" from rego/personas; a test fails when they differ. Edit those, not this.\n"

func main() {
	if err := run("deploy"); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files by their path under deploy/.
func generate() (map[string][]byte, error) {
	m, err := readModel()
	if err != nil {
		return nil, err
	}
	template, err := cloudFormation(m)
	if err != nil {
		return nil, fmt.Errorf("write CloudFormation: %w", err)
	}
	return map[string][]byte{
		"cloudformation/roles.yaml": template,
		"terraform/personas.tf":     terraform(m),
	}, nil
}
