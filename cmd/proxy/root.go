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
      ecs-mcp-proxy audit show DECISION`

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
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		hint := ""
		if cmd.Name() == "wrap" {
			hint = "; put -- before the server's command"
		}
		return fmt.Errorf("%w: %w%s; see %s --help", errUsage, err, hint, cmd.CommandPath())
	})
	root.AddCommand(newWrap(), newServe(), newInit(), newDoctor(), newDemo(), newAudit(), newPolicy(), newCatalog(), newExplain(), newSimulate(), newVersion(), newDemoServer(), newHealth())
	return root
}

// helpOrUnknown is what a command that only groups others does by itself.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %q?", near[0])
	}
	return fmt.Errorf("%w: unknown command %q%s; see %s --help", errUsage, args[0], hint, cmd.CommandPath())
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
