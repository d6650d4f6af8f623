package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the Makefile and by releases; a plain "go build" or "go
// install" has the module's version from the build information.
var version string

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "ecs-mcp-proxy", versionString())
			return err
		},
	}
}

func versionString() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(version, info)
}

// versionOf is what was stamped, else what Go knows; info may be nil.
func versionOf(stamped string, info *debug.BuildInfo) string {
	switch {
	case stamped != "":
		return stamped
	case info != nil && info.Main.Version != "":
		return info.Main.Version
	}
	return "(unknown)"
}
