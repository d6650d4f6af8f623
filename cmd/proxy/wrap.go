package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const wrapHelp = `Start an ECS MCP server behind the proxy and speak MCP on standard input and output.

The server gets no AWS credentials of its own. For each call that policy allows
it is lent a session of the persona's role that AWS limits to exactly that call.
A server with the AWS SDK for JavaScript or Java needs --delivery process.

With --config the file says everything, and flags that are given win over it.
Without it, flags alone make one persona for the user that runs the proxy:

    ecs-mcp-proxy wrap --region us-east-1 \
        --role arn:aws:iam::123456789012:role/mcp-reader \
        --identity read-only-monitoring \
        -- uvx --from awslabs-ecs-mcp-server ecs-mcp-server

The proxy itself needs AWS credentials, found the usual way, that may assume the
role (sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity) and look up tags
(docs/catalogue.md lists the actions). It ends with the server's exit code; 2 is a
mistake in flags or configuration, 126 and 127 a server that cannot be started.`

// wrapFlags are the flags of wrap; an empty one leaves the file's value.
type wrapFlags struct {
	config, mode, region, endpoint, role, factsRole, server, delivery, audit, detail, level, logFormat, serverLog string
	identity, boundary, policy                                                                                    []string
	serverless                                                                                                    bool // no server is needed
}

func newWrap() *cobra.Command {
	var f wrapFlags
	cmd := &cobra.Command{
		Use:   "wrap [flags] -- COMMAND [ARGUMENT…]",
		Short: "Start an ECS MCP server behind the proxy (stdio)",
		Long:  wrapHelp,
		RunE: func(cmd *cobra.Command, command []string) error {
			cfg, err := f.load(command)
			if err != nil {
				return err
			}
			if above := []string{"error", "dpanic", "panic", "fatal"}; cfg.Mode == config.ModeShadow && slices.Contains(above, strings.ToLower(f.level)) {
				f.level = "warn" // shadow mode is not run in silence
			}
			log, err := newLog(f.level, f.logFormat)
			if err != nil {
				return err
			}
			w := wrapper{config: cfg, log: log, serverLog: f.serverLog, showFile: f.showFile(cfg),
				stdin: cmd.InOrStdin(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return w.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration file (YAML)")
	flags.StringVar(&f.mode, "mode", "", "enforce, or shadow: let through what policy denies, and put it on record (default enforce)")
	flags.StringVar(&f.region, "region", "", "the one AWS region that is operated")
	flags.StringVar(&f.role, "role", "", "ARN of the IAM role that calls are lent sessions of")
	flags.StringArrayVar(&f.identity, "identity", nil, "identity policy: a built-in name or a JSON file; repeatable (default read-only-monitoring)")
	flags.StringArrayVar(&f.boundary, "boundary", nil, "permissions boundary: a built-in name or a JSON file; repeatable (default region-and-production)")
	flags.StringArrayVar(&f.policy, "policy", nil, "Rego of your own: a directory or a file; repeatable")
	flags.StringVar(&f.factsRole, "facts-role", "", "ARN of a read-only role for looking up tags, task roles and revisions (default the proxy's own identity)")
	flags.StringVar(&f.server, "server", "", "catalogue profile of the server (default "+config.DefaultServer+")")
	flags.StringVar(&f.delivery, "delivery", "", "how a call's credentials reach the server: lease, process, sigv4 or none (default lease)")
	flags.StringVar(&f.endpoint, "endpoint", "", "URL of an AWS emulator, for every service")
	flags.StringVar(&f.audit, "audit-file", "", "where the record of decisions goes")
	flags.StringVar(&f.detail, "client-detail", "", "how much a refusal tells the client: full or minimal (default full)")
	flags.StringVar(&f.serverLog, "server-log", "", "append the server's standard error to this file, mode 0600; it can hold arguments (default: dropped)")
	flags.StringVar(&f.level, "log-level", "warn", "the proxy's own log on standard error: debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "console", "form of the proxy's own log: console, for people, or json, one object a line")
	return cmd
}

// flagPersona is the name of the persona that flags alone make.
const flagPersona = "flags"

// verb is what these flags are of: explain is the one that starts no server.
func (f *wrapFlags) verb() string {
	if f.serverless {
		return "explain"
	}
	return "wrap"
}

// load merges file and flags and checks the result.
func (f *wrapFlags) load(command []string) (*config.Config, error) {
	cfg := &config.Config{Version: 1}
	if f.config != "" {
		var err error
		if cfg, err = config.Load(f.config); err != nil {
			return nil, err
		}
		if f.role != "" || len(f.identity) > 0 || len(f.boundary) > 0 {
			return nil, fmt.Errorf("%w: --role, --identity and --boundary make a persona without a file; with --config write it under personas", errUsage)
		}
	} else {
		if f.role == "" || f.region == "" {
			return nil, fmt.Errorf("%w: give --config FILE, or --region and --role; see ecs-mcp-proxy %s --help", errUsage, f.verb())
		}
		cfg.Personas = map[string]config.Persona{flagPersona: {
			Identity: orDefault(f.identity, "read-only-monitoring"), Boundary: orDefault(f.boundary, "region-and-production"), Role: f.role}}
		cfg.Principals = []config.Principal{{Match: config.Match{Kind: "os-user"}, Persona: flagPersona}}
	}
	if len(f.policy) > 0 {
		cfg.Policy.Paths = f.policy // relative to where it is typed
	}
	override(&cfg.Mode, f.mode)
	override(&cfg.AWS.Region, f.region)
	override(&cfg.AWS.Endpoint, f.endpoint)
	override(&cfg.Facts.Role, f.factsRole)
	override(&cfg.Upstream.Server, f.server)
	override(&cfg.Credentials.Delivery, f.delivery)
	if f.audit != "" { // so that the command a refusal names works from anywhere
		path, err := filepath.Abs(f.audit)
		if err != nil {
			return nil, fmt.Errorf("%w: --audit-file: %w", errUsage, err)
		}
		cfg.Audit.File = path
	}
	override(&cfg.ClientDetail, f.detail)
	if len(command) > 0 {
		cfg.Upstream.Command, cfg.Upstream.URLs = command, nil
	}
	cfg.Complete()
	if err := cfg.Validate(); err != nil {
		if f.config == "" {
			err = asFlags(err)
		}
		return nil, err
	}
	if !f.serverless && len(cfg.Upstream.Command) == 0 && len(cfg.Upstream.URLs) == 0 {
		return nil, fmt.Errorf("%w: name the server's command after --, or as upstream.command", errUsage)
	}
	return cfg, nil
}

// asFlags words a mistake in terms of the flags that made the configuration.
func asFlags(err error) error {
	words := strings.NewReplacer("personas."+flagPersona+".role", "--role", "personas."+flagPersona+".identity", "--identity", "aws.region", "--region",
		"aws.endpoint", "--endpoint", "facts.role", "--facts-role", "client_detail", "--client-detail", "credentials.delivery", "--delivery", "mode must", "--mode must")
	return fmt.Errorf("%w: %s", errUsage, strings.TrimPrefix(words.Replace(err.Error()), config.ErrConfig.Error()+": "))
}

// showFile is the audit log if "audit show" would not find it by itself.
func (f *wrapFlags) showFile(cfg *config.Config) string {
	var standard config.Config
	standard.Complete()
	if standard.Audit.File == cfg.Audit.File {
		return ""
	}
	return cfg.Audit.File
}

func override(value *string, flag string) {
	if flag != "" {
		*value = flag
	}
}

func orDefault(given []string, standard string) []string {
	if len(given) == 0 {
		return []string{standard}
	}
	return given
}
