// Command ecs-mcp-proxy stands between an MCP client and an Amazon ECS MCP
// server: it checks every call against policy and lends the server AWS
// credentials for just that call.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/transport"
)

func main() {
	// The guard is this binary again, and must be quick: before anything else.
	if len(os.Args) > 1 && os.Args[1] == guardVerb {
		os.Exit(transport.RunGuard(os.Args[2:]))
	}
	os.Exit(run(os.Args[1:]))
}

// The exit codes that are the proxy's own; wrap passes the server's on.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	// As shells say it.
	exitNotStarted = 126
	exitNotFound   = 127
)

// exitCode is an error that only carries how to end.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// run executes one command line and returns the exit code.
func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.Execute()
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "ecs-mcp-proxy: %v\n", err)
	switch {
	case errors.Is(err, errUsage), errors.Is(err, config.ErrConfig):
		return exitUsage
	case errors.Is(err, transport.ErrNotFound):
		return exitNotFound
	case errors.Is(err, transport.ErrCommand):
		return exitNotStarted
	}
	return exitFailure
}
