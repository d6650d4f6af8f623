package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const serveHelp = `Serve an ECS MCP server over streamable HTTP, for many clients, behind the proxy.

Each client session gets servers of its own, started as upstream.command says (or
all share those that run already, upstream.urls), and each call is decided for
the principal that the client shows itself to be:

    listen:
      address: 127.0.0.1:8080
      auth: {tokens: [{id: ci, file: /run/secrets/ci-token}]}
    principals:
      - {match: {kind: token, id: ci}, persona: deployer}

SIGTERM lets calls in progress end, for at most 30 seconds; a second one ends at once.`

// serveFlags are the flags of serve.
type serveFlags struct {
	config, address, level, logFormat, serverLog string
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Serve an ECS MCP server over HTTP behind the proxy (sidecar)",
		Long:  serveHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			log, err := newLog(f.level, f.logFormat)
			if err != nil {
				return err
			}
			s := sidecar{config: cfg, log: log, serverLog: f.serverLog}
			return s.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration file (YAML); needed")
	flags.StringVar(&f.address, "address", "", "where to listen, HOST:PORT (default "+config.DefaultAddress+")")
	flags.StringVar(&f.serverLog, "server-log", "", "append the servers' standard error to this file, mode 0600; it can hold arguments (default: dropped)")
	flags.StringVar(&f.level, "log-level", "info", "the proxy's own log on standard error: debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "console", "form of the proxy's own log: console, for people, or json, one object a line")
	return cmd
}

func (f *serveFlags) load() (*config.Config, error) {
	if f.config == "" {
		return nil, fmt.Errorf("%w: give --config FILE; see ecs-mcp-proxy serve --help", errUsage)
	}
	cfg, err := config.Load(f.config)
	if err != nil {
		return nil, err
	}
	override(&cfg.Listen.Address, f.address)
	if err := cfg.ValidateServe(); err != nil {
		return nil, err
	}
	return cfg, nil
}
