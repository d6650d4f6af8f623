package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// completions says what a shell may offer for a flag, by the flag's name: it means
// the same wherever there is one. Others are completed with files.
var completions = map[string]cobra.CompletionFunc{
	"config":        filesOf("yaml", "yml"),
	"mode":          oneOf(config.ModeEnforce, config.ModeShadow),
	"delivery":      oneOf(config.DeliveryLease, config.DeliveryProcess, config.DeliverySigV4, config.DeliveryNone),
	"client-detail": oneOf("full", "minimal"),
	"log-level":     oneOf("debug", "info", "warn", "error"),
	"log-format":    oneOf("console", "json"),
	"engine":        oneOf("native", "rego"),
	"client":        oneOf(clientNames()...),
	"identity":      documents("identity"),
	"boundary":      documents("boundary"),
	"document":      documents("identity", "boundary", "mcp"),
	"server":        oneOf(catalog.BuiltinNames()...),
	"persona":       personas,
	"tool":          tools,
	"region":        nothing, "role": nothing, "facts-role": nothing, "endpoint": nothing, "address": nothing, "head": nothing, "after": nothing,
	"decision": nothing, "principal": nothing, "tag": nothing, "value": nothing, "run": nothing, "timeout": nothing, "threshold": nothing, "command": nothing,
}

// addCompletions teaches a command and those below it what completions has.
func addCompletions(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if complete := completions[f.Name]; complete != nil {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails for a flag that is not there
		}
	})
	for _, below := range cmd.Commands() {
		addCompletions(below)
	}
}

func oneOf(all ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

func nothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func filesOf(extensions ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// documents offers the built-in documents of these layers, and files.
func documents(layers ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
		for _, d := range policy.Builtins() {
			if slices.Contains(layers, d.Layer) {
				names = append(names, d.Name)
			}
		}
		return names, cobra.ShellCompDirectiveDefault
	}
}

// configured is the configuration that the command line names so far; what has
// mistakes offers nothing, since there is nobody to tell them to.
func configured(cmd *cobra.Command) *config.Config {
	cfg := &config.Config{}
	if file := valueOf(cmd, "config"); file != "" {
		if loaded, err := config.Load(file); err == nil {
			cfg = loaded
		}
	}
	override(&cfg.Upstream.Server, valueOf(cmd, "server"))
	cfg.Complete()
	return cfg
}

func valueOf(cmd *cobra.Command, flag string) string {
	if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
		return f.Value.String()
	}
	return ""
}

// personas offers those of --config.
func personas(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return sortedPersonas(configured(cmd)), cobra.ShellCompDirectiveNoFileComp
}

// tools offers those that the catalogue has, with how many operations each.
func tools(cmd *cobra.Command, _ []string, _ string) (offered []string, _ cobra.ShellCompDirective) {
	known, err := loadCatalog(configured(cmd))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, tool := range known.Tools() {
		description := ""
		if operations := known.Operations(tool); len(operations) > 0 {
			description = strings.Join(operations[:min(3, len(operations))], ", ") + ", …"
		}
		offered = append(offered, cobra.CompletionWithDesc(tool, description))
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}
