package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

func newAudit() *cobra.Command {
	group := &cobra.Command{
		Use:   "audit",
		Short: "Read the record of decisions",
		Args:  cobra.ArbitraryArgs,
		RunE:  helpOrUnknown,
	}
	group.AddCommand(newAuditShow(), newAuditVerify())
	return group
}

const auditShowHelp = `Print one decision whole: what was asked and by whom, each access and what decided
it, what was lent, the other decisions that were lent the same, what became of the
call, and the queries that find in CloudTrail what AWS recorded of it. A name of a
role session, as CloudTrail has it, will do for the decision.`

func newAuditShow() *cobra.Command {
	var files []string
	var configFile string
	var asJSON bool
	show := &cobra.Command{
		Use:   "show DECISION",
		Short: "Print one decision whole: what was asked, what decided, what was lent, what became of it",
		Long:  auditShowHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%w: name one decision, as in: ecs-mcp-proxy audit show 5pmwdirmopfvaawldegm", errUsage)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(files) == 0 {
				path, err := auditFile("", configFile)
				if err != nil {
					return err
				}
				files = []string{path}
			}
			story, err := audit.Find(strings.TrimPrefix(args[0], grant.SessionPrefix), files...) // CloudTrail has it as a session name
			if err != nil {
				return fmt.Errorf("%w: %w; name the log of the proxy that decided with --file or --config, and where it is older, the file that it was moved to", errUsage, err)
			}
			if !asJSON {
				return audit.ShowStory(cmd.OutOrStdout(), story)
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			for _, r := range story.Records {
				if err := enc.Encode(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	show.Flags().StringArrayVar(&files, "file", nil, "the audit log, or a file that it was moved to; repeatable (default: the user's own)")
	show.Flags().StringVar(&configFile, "config", "", "configuration file that names the audit log")
	show.Flags().BoolVar(&asJSON, "json", false, "print the records as JSON lines")
	return show
}

// auditFile is the log that the flags mean.
func auditFile(file, configFile string) (string, error) {
	if file != "" {
		return file, nil
	}
	if configFile == "" {
		var standard config.Config
		standard.Complete()
		return standard.Audit.File, nil
	}
	cfg, err := config.Load(configFile)
	if err != nil {
		return "", err
	}
	return cfg.Audit.File, nil
}
