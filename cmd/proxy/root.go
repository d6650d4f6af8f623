package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// guardVerb is the hidden verb that the binary starts itself with.
const guardVerb = "guard"

var errUsage = errors.New("wrong usage")

const longHelp = `ecs-mcp-proxy stands between an MCP client and an Amazon ECS MCP server.

It checks every tool call against policies modelled on IAM, and lends the server
AWS credentials that AWS itself limits to exactly that call, and ends with it.

  See the whole story on this machine, without an AWS account:
      ecs-mcp-proxy demo

  In an agent's mcp.json, instead of the server's own command:
      ecs-mcp-proxy wrap --region us-east-1 \
          --role arn:aws:iam::123456789012:role/mcp-reader \
          -- uvx --from awslabs-ecs-mcp-server ecs-mcp-server

  Why was that refused?
      ecs-mcp-proxy audit show DECISION

` + exitCodesHelp + `

  Completion in the shell (bash, zsh, fish, powershell), such as:
      source <(ecs-mcp-proxy completion bash)`

// exitCodesHelp is also in docs/operations.md.
const exitCodesHelp = `  Exit codes:
      0    all is well; of explain: the call would be allowed
      1    something failed or is wrong, as the last lines say; of explain: the call
           would be refused
      2    a mistake in flags, arguments or configuration, and nothing was begun; of
           policy check and policy test: the policy is wrong, or a test failed
      126  of wrap and catalog check: the server's command cannot be run
      127  of wrap and catalog check: the server's command is not there
      wrap ends otherwise with the server's own code, or 128 plus the number of the
      signal that ended it; serve with 0 after SIGTERM or SIGINT`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "ecs-mcp-proxy",
		Short:         "Policy and scoped credentials between AI agents and Amazon ECS",
		Long:          longHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		// No template for it: one makes the linker keep every method there is, 10 MB of AWS's.
		Version: versionString(),
		Args:    cobra.ArbitraryArgs,
		RunE:    helpOrUnknown,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		hint := ""
		if cmd.Name() == "wrap" {
			hint = "; put -- before the server's command"
		}
		return fmt.Errorf("%w: %w%s; see %s --help", errUsage, err, hint, cmd.CommandPath())
	})
	root.AddCommand(newWrap(), newServe(), newInit(), newDoctor(), newDemo(), newAudit(), newPolicy(), newCatalog(), newExplain(), newSimulate(), newVersion(), newDemoServer(), newHealth())
	root.InitDefaultCompletionCmd() // now, so that it is like the others
	if shells, _, err := root.Find([]string{"completion"}); err == nil {
		shells.Args, shells.RunE = cobra.ArbitraryArgs, helpOrUnknown
	}
	addCompletions(root)
	classifyUsage(root)
	return root
}

// classifyUsage makes what cobra itself finds wrong with arguments an errUsage.
func classifyUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err != nil && !errors.Is(err, errUsage) {
				err = fmt.Errorf("%w: %w; see %s --help", errUsage, err, cmd.CommandPath())
			}
			return err
		}
	}
	for _, below := range cmd.Commands() {
		classifyUsage(below)
	}
}

// noArguments is cobra.NoArgs, which calls an argument an unknown command.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s takes flags alone, not %q; see %s --help", errUsage, cmd.CommandPath(), args[0], cmd.CommandPath())
}

// helpOrUnknown is what a command that only groups others does by itself.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := "; see"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %q? See", near[0])
	}
	return fmt.Errorf("%w: unknown command %q%s %s --help", errUsage, args[0], hint, cmd.CommandPath())
}

// newLog writes to standard error, because standard output is the protocol's: for
// people, or as one JSON object a line for whatever collects logs.
func newLog(level, format string) (*zap.Logger, error) {
	parsed, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("%w: --log-level: use debug, info, warn or error", errUsage)
	}
	c := zap.NewProductionConfig()
	c.Level = zap.NewAtomicLevelAt(parsed)
	if c.Encoding = format; format != "console" && format != "json" {
		return nil, fmt.Errorf("%w: --log-format: use console or json", errUsage)
	}
	c.Sampling = nil
	c.EncoderConfig.ConsoleSeparator = " "
	c.DisableCaller, c.DisableStacktrace = true, true
	c.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	return c.Build()
}
