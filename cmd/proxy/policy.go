package main

import (
	"github.com/spf13/cobra"
)

func newPolicy() *cobra.Command {
	group := &cobra.Command{
		Use:   "policy",
		Short: "Check, test and show policy",
		Args:  cobra.ArbitraryArgs,
		RunE:  helpOrUnknown,
	}
	group.AddCommand(newPolicyCheck(), newPolicyTest(), newPolicyShow())
	return group
}
