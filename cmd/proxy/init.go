package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const initHelp = `Write a commented configuration to start from, and print the entry that an MCP
client needs to start its ECS server through the proxy. The entry alone goes to
standard output, so for one client it can be written to its file:

    ecs-mcp-proxy init --region us-east-1 \
        --role arn:aws:iam::123456789012:role/mcp-reader --client claude-code > .mcp.json

What is not given as a flag is asked for, if standard input is a terminal. A
configuration that exists is never overwritten. Clients start servers with hardly
any environment, so the entry names the AWS profile of the proxy's own credentials
(--profile, or AWS_PROFILE), and the files that AWS_CONFIG_FILE and
AWS_SHARED_CREDENTIALS_FILE name; keys are never written.`

// The starting points: what a persona may be, in one word.
var starts = []string{"read-only-monitoring", "troubleshooting", "deployment", "express-mode"}

// defaultCommand starts the server that the built-in catalogue is for.
const defaultCommand = "uvx --from awslabs-ecs-mcp-server ecs-mcp-server"

// initFlags are the answers.
type initFlags struct {
	config, region, role, identity, command, client, endpoint, profile string
}

func newInit() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a starter configuration and the entry for an MCP client",
		Long:  initHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if err := f.ask(cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
				return err
			}
			return f.write(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "ecs-mcp-proxy.yaml", "the file to write")
	flags.StringVar(&f.region, "region", "", "the one AWS region that is operated")
	flags.StringVar(&f.role, "role", "", "ARN of the IAM role that calls are lent sessions of")
	flags.StringVar(&f.identity, "identity", "", "what may be done: "+strings.Join(starts, ", ")+" (default "+starts[0]+")")
	flags.StringVar(&f.command, "command", "", "how the server is started (default \""+defaultCommand+"\")")
	flags.StringVar(&f.client, "client", "", "the MCP client: "+strings.Join(clientNames(), ", ")+" (default all)")
	flags.StringVar(&f.endpoint, "endpoint", "", "URL of an AWS emulator, for every service")
	flags.StringVar(&f.profile, "profile", "", "AWS profile of the proxy's own credentials (default $AWS_PROFILE)")
	return cmd
}

// ask fills in what no flag gave. Without a terminal, what has no default is an error.
func (f *initFlags) ask(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	terminal := isTerminal(in)
	for _, q := range []struct {
		value    *string
		flag     string
		question string
		standard string
	}{
		{&f.region, "--region", "Which AWS region is operated?", ""},
		{&f.role, "--role", "Which IAM role are calls lent sessions of? (arn:aws:iam::ACCOUNT:role/NAME)", ""},
		{&f.identity, "--identity", "What may be done? (" + strings.Join(starts, ", ") + ")", starts[0]},
		{&f.command, "--command", "How is the server started?", defaultCommand},
	} {
		for *q.value == "" {
			switch {
			case !terminal && q.standard == "":
				return fmt.Errorf("%w: give %s; see ecs-mcp-proxy init --help", errUsage, q.flag)
			case !terminal:
				*q.value = q.standard
				continue
			}
			fmt.Fprint(out, q.question)
			if q.standard != "" {
				fmt.Fprintf(out, " [%s]", q.standard)
			}
			fmt.Fprint(out, " ")
			if !lines.Scan() {
				terminal = false // whoever was there has gone
				fmt.Fprintln(out)
				continue
			}
			if *q.value = strings.TrimSpace(lines.Text()); *q.value == "" {
				*q.value = q.standard
			}
		}
	}
	return f.check()
}

// check looks at what there is before anything is asked, and at the answers.
func (f *initFlags) check() error {
	if _, err := os.Lstat(f.config); err == nil {
		return f.exists()
	}
	if f.identity != "" && !slices.Contains(starts, f.identity) && !config.IsPath(f.identity) {
		return fmt.Errorf("%w: --identity must be one of %s, or a JSON file", errUsage, strings.Join(starts, ", "))
	}
	if f.client != "" && !slices.Contains(clientNames(), f.client) {
		return fmt.Errorf("%w: --client must be one of %s", errUsage, strings.Join(clientNames(), ", "))
	}
	return nil
}

func (f *initFlags) exists() error {
	return fmt.Errorf("%w: %s exists and is not overwritten; move it away, or name another with --config", errUsage, f.config)
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// write writes the file, checked as the program will read it, and prints the
// entry on out and what to do with it on guide.
func (f *initFlags) write(out, guide io.Writer) error {
	text := f.text()
	if _, err := config.Parse([]byte(text)); err != nil {
		return fmt.Errorf("%w: %s", errUsage, named(err))
	}
	path, err := filepath.Abs(f.config)
	if err != nil {
		return fmt.Errorf("%w: --config: %w", errUsage, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return f.exists()
	}
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = io.WriteString(file, text)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	fmt.Fprintf(guide, "Wrote %s. Check that it will work:\n\n    ecs-mcp-proxy doctor --config %s\n", f.config, quote(path))
	entry, err := f.entry(path)
	if err != nil {
		return fmt.Errorf("print the client's entry: %w", err)
	}
	return f.printEntries(out, guide, entry)
}

// named is a mistake in the text, by the flag that it comes from.
func named(err error) string {
	words := strings.NewReplacer("personas.agent.role", "--role", "personas.agent.identity", "--identity", "aws.region", "--region", "aws.endpoint", "--endpoint",
		"upstream.command", "--command")
	return regexp.MustCompile(`(?m)^line \d+: `).ReplaceAllString(words.Replace(err.Error()), "")
}

// text is the configuration, with the reason for every line.
func (f *initFlags) text() string {
	var command []string
	for _, word := range strings.Fields(f.command) {
		command = append(command, fmt.Sprintf("%q", word))
	}
	endpoint := ""
	if f.endpoint != "" {
		endpoint = fmt.Sprintf("\n  endpoint: %q # an AWS emulator, for every service", f.endpoint)
	}
	return fmt.Sprintf(`# Configuration of ecs-mcp-proxy; every key is described in docs/configuration.md.
version: 1

# shadow puts on record what policy would refuse, and refuses nothing: for a first look.
mode: enforce

aws:
  region: %s # the one region that is operated; every other is refused%s

upstream:
  command: [%s]
  # The server's own switches stay on: policy decides what is written and read.
  env: {ALLOW_WRITE: "true", ALLOW_SENSITIVE_DATA: "true"}

personas:
  agent:
    identity: [%s] # what may be done; ecs-mcp-proxy policy show prints it
    boundary: [region-and-production] # what may never be done: another region, harm to what is tagged Environment=production
    role: %q # each call is lent a session of this role that AWS limits to that call
    guardrails: {} # all that are on by default; see docs/guardrails.md

principals:
  - {match: {kind: os-user}, persona: agent} # whoever runs the proxy
`, f.region, endpoint, strings.Join(command, ", "), f.identity, f.role)
}
