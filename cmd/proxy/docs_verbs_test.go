package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the generated pages")

// docs/commands.md is what the program says of itself, verb by verb.
func TestThePageOfCommandsIsWhatTheProgramSays(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# Commands

Every verb with its flags, as ` + "`--help`" + ` says them. This page is written by ` + "`go test ./cmd/proxy -run Commands -update`" + `.
Completion for a shell (bash, fish, powershell, zsh), to be put where that looks for it:

` + "```console\n$ ecs-mcp-proxy completion bash > ecs-mcp-proxy.bash\n```" + `

`)
	writeVerb(&page, newRoot())
	if *update {
		if err := os.WriteFile("../../docs/commands.md", []byte(strings.TrimSpace(page.String())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.TrimSpace(page.String()) + "\n"; got != pageAt(t, "../../docs/commands.md") {
		t.Error("docs/commands.md is not what the program says; run: go test ./cmd/proxy -run Commands -update")
	}
}

// writeVerb writes a command that does something, and those below it.
func writeVerb(page *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" {
		return
	}
	if c.HasParent() && (!c.HasSubCommands() || c.HasAvailableLocalFlags()) {
		fmt.Fprintf(page, "## %s\n\n%s.\n\n    %s\n\n", c.CommandPath(), c.Short, strings.TrimSuffix(c.UseLine(), " [flags]"))
		rows := 0
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Hidden {
				return
			}
			if rows++; rows == 1 {
				page.WriteString("| flag | | default |\n|---|---|---|\n")
			}
			kind, usage := pflag.UnquoteUsage(f)
			usage, standard := withoutDefault(usage, f.DefValue)
			fmt.Fprintf(page, "| `%s` | %s | %s |\n", strings.TrimSpace("--"+f.Name+" "+kind), cell(usage), cell(standard))
		})
		if rows > 0 {
			page.WriteString("\n")
		}
	}
	for _, sub := range c.Commands() {
		writeVerb(page, sub)
	}
}

// withoutDefault takes the default out of a flag's text, where a flag has one
// that depends on something else, or out of the flag itself.
func withoutDefault(usage, standard string) (text, value string) {
	if before, after, ok := strings.Cut(usage, " (default "); ok && strings.HasSuffix(after, ")") {
		return before, strings.TrimSuffix(after, ")")
	}
	switch standard {
	case "", "false", "[]":
		return usage, ""
	}
	return usage, "`" + standard + "`"
}

// cell is a text that does not end its cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
