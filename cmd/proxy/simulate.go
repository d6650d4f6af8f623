package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/simulate"
)

const longSimulate = `Answers cases offline, without an AWS account: IAM documents and one request in,
IAM's verdict out. One JSON object a line, on standard input or in FILE:

  {"id": "1", "policies": [DOC, …], "boundary": DOC, "session": DOC,
   "request": {"action": "ecs:DeleteService", "resource": "arn:…", "context": {…}, "unknown": […]}}

boundary, session and unknown may be left out. Each line gets one answer, in order:

  {"id": "1", "decision": "allowed", "layer": "identity", "statements": ["policy0/Sid"]}

The decision is allowed, explicitDeny, implicitDeny, or invalid with an error. If
any line is invalid, the others are answered and the exit code is 1.`

func newSimulate() *cobra.Command {
	var engine string
	simulation := &cobra.Command{
		Use:   "simulate [FILE]",
		Short: "Ask what IAM documents allow: JSON lines in, JSON lines out",
		Long:  longSimulate,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%w: name one file of cases, or none to read standard input", errUsage)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			judge, err := judgeNamed(cmd, engine)
			if err != nil {
				return err
			}
			in := os.Stdin
			if len(args) == 1 {
				if in, err = os.Open(args[0]); err != nil {
					return fmt.Errorf("read cases: %w", err)
				}
				defer in.Close()
			}
			totals, err := simulate.Run(cmd.Context(), judge, in, cmd.OutOrStdout())
			if err == nil && totals.Invalid > 0 {
				err = fmt.Errorf("%s of %d; each such answer says why", counted(totals.Invalid, "invalid line"), totals.Lines)
			}
			return err
		},
	}
	simulation.Flags().StringVar(&engine, "engine", "native", "what evaluates: native, as in the proxy, or rego, the law that native is held to")
	return simulation
}

func judgeNamed(cmd *cobra.Command, engine string) (simulate.Judge, error) {
	switch engine {
	case "native":
		return policy.Native{}, nil
	case "rego":
		return policy.NewReference(cmd.Context())
	}
	return nil, fmt.Errorf("%w: --engine: use native or rego", errUsage)
}
