package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const policyCheckHelp = `Read policy as strictly as decisions need it, and say everything that is wrong.

A PATH is an IAM policy document, a Rego file, or a folder of either; all Rego is
compiled together with the built-in policy. In a folder, JSON that looks like a
document is one, and is data for Rego otherwise. With --config, everything is
checked that the configuration names, but for a bundle at a URL.

    ecs-mcp-proxy policy check policies/ rego/
    ecs-mcp-proxy policy check --config ecs-mcp-proxy.yaml

An error is what the proxy would not start with. A warning is legal and hardly
does what was meant: an action that AWS does not have, a statement that can never
match. Names are compared with an excerpt of AWS's own reference; a name that is
newer than it is warned of and taken.

It ends with 0, with 2 if there are errors, and with 1 if they cannot be printed.`

func newPolicyCheck() *cobra.Command {
	var configFile string
	var strict, asJSON bool
	cmd := &cobra.Command{
		Use:   "check [flags] [PATH…]",
		Short: "Say what is wrong with policy documents and Rego, file and line",
		Long:  policyCheckHelp,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 && configFile == "" {
				return fmt.Errorf("%w: name files or folders, or --config FILE; see ecs-mcp-proxy policy check --help", errUsage)
			}
			checked := policy.CheckPaths(cmd.Context(), paths...)
			if configFile != "" {
				if err := checkConfigured(cmd.Context(), &checked, configFile); err != nil {
					return err
				}
			}
			for i := range checked.Findings {
				f := &checked.Findings[i]
				if f.File = shortPath(f.File); strict {
					f.Severity = policy.Error
				}
			}
			slices.SortStableFunc(checked.Findings, func(a, b policy.Finding) int {
				if order := strings.Compare(a.File, b.File); order != 0 {
					return order
				}
				return a.Line - b.Line
			})
			write := writeChecked
			if asJSON {
				write = writeCheckedJSON
			}
			if err := write(cmd.OutOrStdout(), checked); err != nil {
				return err
			}
			if checked.Count(policy.Error) > 0 {
				return exitCode(exitUsage)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&configFile, "config", "", "configuration file whose policy is checked")
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for errors")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// checkConfigured adds what is wrong with the policy that a configuration names.
// Its error is that of the configuration itself.
func checkConfigured(ctx context.Context, checked *policy.Checked, file string) error {
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	for _, warning := range cfg.Warnings() {
		checked.Add(policy.Finding{File: file, Severity: policy.Warning, Message: warning})
	}
	set, err := newPolicySet(cfg)
	if err != nil {
		return err
	}
	add := func(more policy.Checked) {
		checked.Add(more.Findings...)
		checked.Documents += more.Documents
		checked.Modules += more.Modules
		checked.Data += more.Data
	}
	// Files first: their mistakes have lines.
	paths, builtins := documentsOf(cfg)
	add(policy.CheckDocuments(paths...))
	add(policy.CheckPaths(ctx, cfg.Policy.Paths...))
	if checked.Count(policy.Error) > 0 {
		return nil
	}
	checked.Personas, checked.Builtins = len(cfg.Personas), len(builtins)
	engine, err := set.compileLocal(ctx)
	for _, f := range policy.Findings(err) {
		f.Message = strings.TrimPrefix(f.Message, config.ErrConfig.Error()+": ")
		checked.Add(f)
	}
	if err == nil {
		for _, warning := range engine.Warnings() {
			checked.Warn(warning)
		}
	}
	for i := range checked.Findings { // what is about no file of its own
		if f := &checked.Findings[i]; f.File == "" {
			f.File = file
		}
	}
	return nil
}

// documentsOf are all personas' documents, each once: files and built-in ones.
func documentsOf(cfg *config.Config) (paths, builtins []string) {
	var all []string
	for _, persona := range cfg.Personas {
		all = slices.Concat(all, persona.Identity, persona.Boundary, persona.MCP)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if config.IsPath(name) {
			paths = append(paths, name)
		} else {
			builtins = append(builtins, name)
		}
	}
	return paths, builtins
}

func writeChecked(w io.Writer, c policy.Checked) error {
	for _, f := range c.Findings {
		if _, err := fmt.Fprintln(w, f.Labelled()); err != nil {
			return err
		}
	}
	var about []string
	for _, read := range []struct {
		n    int
		what string
	}{{c.Personas, "persona"}, {c.Builtins, "built-in document"}, {c.Documents, "document"}, {c.Modules, "Rego file"}, {c.Data, "data file"}} {
		if read.n > 0 {
			about = append(about, counted(read.n, read.what))
		}
	}
	if len(about) == 0 { // nothing that could be read
		about = append(about, "no file")
	}
	_, err := fmt.Fprintf(w, "%s, %s in %s\n", counted(c.Count(policy.Error), "error"), counted(c.Count(policy.Warning), "warning"), enumerated(about))
	return err
}

// writeCheckedJSON prints the findings for programs; the names are stable.
func writeCheckedJSON(w io.Writer, c policy.Checked) error {
	findings := c.Findings
	if findings == nil {
		findings = []policy.Finding{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Findings  []policy.Finding `json:"findings"`
		Errors    int              `json:"errors"`
		Warnings  int              `json:"warnings"`
		Documents int              `json:"documents"`
		Modules   int              `json:"modules"`
		Data      int              `json:"data"`
		Personas  int              `json:"personas"`
		Builtins  int              `json:"builtins"`
	}{findings, c.Count(policy.Error), c.Count(policy.Warning), c.Documents, c.Modules, c.Data, c.Personas, c.Builtins})
}

// enumerated writes a, b and c.
func enumerated(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// shortPath is the path as seen from the working directory, if it is below it.
func shortPath(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if below, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(below) {
		return below
	}
	return path
}
