package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

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
		Args: noArguments,
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
	cmd.AddCommand(newDemoAWS())
	return cmd
}

func newDemoAWS() *cobra.Command {
	var address, credentials string
	cmd := &cobra.Command{
		Use:   "aws",
		Short: "Serve the demo's AWS account on this machine, to try the proxy by hand",
		Long: `Serve the AWS account of the demo on this machine until it is interrupted: two
clusters, shop-staging and shop-production, each with a service checkout, and the
roles mcp-reader and mcp-deployer of account 123456789012 in us-east-1. It decides
every request as AWS would, and prints what it saw. Point the proxy at it with
aws.endpoint; the keys of the proxy's user are the profile "demo" of a file:

    ecs-mcp-proxy demo aws &
    export AWS_PROFILE=demo AWS_SHARED_CREDENTIALS_FILE=$PWD/demo-aws.credentials

docs/first-run.md goes on from there.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			err := demo.ServeAccount(ctx, address, credentials, cmd.OutOrStdout())
			if errors.Is(err, demo.ErrAddress) {
				return fmt.Errorf("%w: --listen: %w", errUsage, err)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:4566", "where to listen, on loopback")
	cmd.Flags().StringVar(&credentials, "credentials", "demo-aws.credentials", "the file to write the keys to; it goes at the end")
	return cmd
}

func newDemoServer() *cobra.Command {
	return &cobra.Command{
		Use:    demo.ServerVerb,
		Short:  "Be the demo's ECS MCP server, on standard input and output",
		Hidden: true,
		Args:   noArguments,
		RunE:   func(cmd *cobra.Command, _ []string) error { return demo.Serve(cmd.Context(), versionString()) },
	}
}
