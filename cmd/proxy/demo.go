package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/demo"
)

func newDemo() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole story on this machine, without an AWS account",
		Long: `Run the real proxy between a scripted MCP client and an embedded ECS MCP server,
with a strict AWS in memory, and show what was asked, decided, lent and seen.

It ends with 0 only if every step ended as it should.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find own executable: %w", err)
			}
			show := demo.NewTable(cmd.OutOrStdout()).Show
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				show = func(s demo.Step) error { return out.Encode(s) }
			}
			ok, err := demo.Run(cmd.Context(), self, show)
			if err != nil {
				return err
			}
			if !asJSON {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), demo.Summary(ok)); err != nil {
					return err
				}
			}
			if !ok {
				return errors.New("a step did not end as it should")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each step")
	return cmd
}

func newDemoServer() *cobra.Command {
	return &cobra.Command{
		Use:    demo.ServerVerb,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return demo.Serve(cmd.Context(), versionString()) },
	}
}
