package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/explain"
)

const explainHelp = `Say what a call would do, what decides about it, and what is the smallest change
that would allow it. No server is started, nothing is recorded, and nothing is
changed at AWS.

    ecs-mcp-proxy explain --config ecs-mcp-proxy.yaml \
        --tool ecs_resource_management \
        --arguments '{"api_operation": "DeleteService",
                      "api_params": {"cluster": "shop", "service": "checkout"}}'

Without --config, the flags --region, --role, --identity and --boundary make one
persona, as for wrap. The tags of resources are unknown unless --tag says what to
assume or --facts looks them up with the proxy's own read-only access; where they
matter, every outcome is shown.

    ecs-mcp-proxy explain --decision 5pmwdirmopfvaawldegm --config ecs-mcp-proxy.yaml

explains a decision that is on record, from the record: give the configuration
that decided, and --file if the log is not the configuration's.

With --input it prints only the input document that policy is asked about the
call, as a rule's test takes it, and does not decide.

It ends with 0 if the call would be allowed, with 1 if it would be refused (also
while it depends on what is not known), with 2 after a mistake in flags,
arguments or configuration. What is suggested was decided again and allowed.`

// explainFlags are the flags of explain; those that make a configuration are wrap's.
type explainFlags struct {
	wrapFlags
	tool, arguments, persona, principal, decision, file string
	tags                                                []string
	facts, asJSON, input                                bool
}

func newExplain() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain --tool TOOL --arguments JSON | --decision ID",
		Short: "Say what a call would do, what decides, and what would allow it",
		Long:  explainHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: %q is not a flag; see ecs-mcp-proxy explain --help", errUsage, args[0])
			}
			return f.check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.input {
				return f.printInput(cmd)
			}
			e, err := f.explain(cmd.Context())
			if err != nil {
				return err
			}
			if f.asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetEscapeHTML(false)
				out.SetIndent("", "  ")
				err = out.Encode(e)
			} else {
				err = e.Write(cmd.OutOrStdout())
			}
			if err == nil && e.Answer != explain.Allowed {
				return exitCode(exitFailure)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.tool, "tool", "", "name of the tool that is called")
	flags.StringVar(&f.arguments, "arguments", "", "arguments of the call, a JSON object (default {}); @FILE reads a file, - standard input")
	flags.StringVar(&f.persona, "persona", "", "explain it for this persona (default: the persona of the user that runs this)")
	flags.StringVar(&f.principal, "principal", "", "explain it for this caller, KIND/ID as in os-user/alice")
	flags.StringArrayVar(&f.tags, "tag", nil, "assume that the resources have this tag, NAME=VALUE; repeatable, and no other tag is there")
	flags.BoolVar(&f.facts, "facts", false, "look the tags up, as the proxy does")
	flags.StringVar(&f.decision, "decision", "", "explain this decision of the audit log")
	flags.StringVar(&f.file, "file", "", "the audit log of --decision (default: the configuration's, or the user's own)")
	flags.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	flags.BoolVar(&f.input, "input", false, "print only the input document that policy is asked about the call, for a test of Rego")
	flags.StringVar(&f.config, "config", "", "configuration file (YAML)")
	flags.StringVar(&f.region, "region", "", "the one AWS region that is operated")
	flags.StringVar(&f.role, "role", "", "ARN of the IAM role that calls are lent sessions of")
	flags.StringArrayVar(&f.identity, "identity", nil, "identity policy: a built-in name or a JSON file; repeatable (default read-only-monitoring)")
	flags.StringArrayVar(&f.boundary, "boundary", nil, "permissions boundary: a built-in name or a JSON file; repeatable (default region-and-production)")
	flags.StringArrayVar(&f.policy, "policy", nil, "Rego of your own: a directory or a file; repeatable")
	flags.StringVar(&f.factsRole, "facts-role", "", "ARN of a read-only role for --facts (default the proxy's own identity)")
	flags.StringVar(&f.server, "server", "", "catalogue profile of the server (default "+config.DefaultServer+")")
	flags.StringVar(&f.endpoint, "endpoint", "", "URL of an AWS emulator, for --facts")
	return cmd
}

// check finds flags that contradict each other.
func (f *explainFlags) check() error {
	switch {
	case (f.tool == "") == (f.decision == ""):
		return fmt.Errorf("%w: give --tool and --arguments, or --decision ID; see ecs-mcp-proxy explain --help", errUsage)
	case f.decision != "" && (f.arguments != "" || len(f.tags) > 0 || f.facts || f.persona != "" || f.principal != ""):
		return fmt.Errorf("%w: with --decision the record says who called, what, and which tags there were; leave --arguments, --tag, --facts, --persona and --principal out", errUsage)
	case f.decision != "" && f.input:
		return fmt.Errorf("%w: the record has no arguments, so there is no --input of it; give --tool and --arguments", errUsage)
	case f.decision == "" && f.file != "":
		return fmt.Errorf("%w: --file names the audit log of --decision; @FILE after --arguments reads arguments", errUsage)
	case f.facts && len(f.tags) > 0:
		return fmt.Errorf("%w: --facts looks tags up and --tag assumes them; give one of the two", errUsage)
	case f.persona != "" && f.principal != "":
		return fmt.Errorf("%w: give --persona or --principal, not both", errUsage)
	}
	_, err := f.assumedTags()
	return err
}

// assumedTags are the tags of --tag; nil without one.
func (f *explainFlags) assumedTags() (map[string]string, error) {
	if len(f.tags) == 0 {
		return nil, nil
	}
	tags := map[string]string{}
	for _, t := range f.tags {
		name, value, ok := strings.Cut(t, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%w: --tag %q: write NAME=VALUE, as in Environment=production", errUsage, t)
		}
		for other := range tags {
			if strings.EqualFold(other, name) {
				return nil, fmt.Errorf("%w: --tag %s is there twice; tag keys compare without case", errUsage, name)
			}
		}
		tags[name] = value
	}
	return tags, nil
}

func (f *explainFlags) explain(ctx context.Context) (*explain.Explanation, error) {
	if f.decision != "" {
		return f.recorded(ctx)
	}
	x, arguments, err := f.prepare(ctx)
	if err != nil {
		return nil, err
	}
	e, err := x.Call(ctx, f.tool, arguments)
	return e, mistaken(err)
}

// printInput prints what policy is asked, and nothing of what it answers.
func (f *explainFlags) printInput(cmd *cobra.Command) error {
	x, arguments, err := f.prepare(cmd.Context())
	if err != nil {
		return err
	}
	input, problems, err := x.Input(cmd.Context(), f.tool, arguments)
	if err != nil {
		return mistaken(err)
	}
	for _, problem := range problems {
		fmt.Fprintf(cmd.ErrOrStderr(), "ecs-mcp-proxy: facts: %s\n", problem)
	}
	return printJSON(cmd.OutOrStdout(), input)
}

// prepare reads what a call is explained with.
func (f *explainFlags) prepare(ctx context.Context) (*explain.Explainer, json.RawMessage, error) {
	arguments, err := f.readArguments()
	if err != nil {
		return nil, nil, err
	}
	cfg, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	x, err := f.explainer(ctx, cfg)
	return x, arguments, err
}

// mistaken says whose mistake an error is, for the exit code.
func mistaken(err error) error {
	switch {
	case errors.Is(err, explain.ErrArguments):
		return fmt.Errorf("%w: --arguments: %w", errUsage, err)
	case errors.Is(err, policy.ErrPolicy):
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	return err
}

func (f *explainFlags) recorded(ctx context.Context) (*explain.Explanation, error) {
	var x *explain.Explainer
	file := f.file
	if f.config != "" || f.role != "" || f.region != "" {
		cfg, err := f.load()
		if err != nil {
			return nil, err
		}
		if x, err = f.explainer(ctx, cfg); err != nil {
			return nil, err
		}
		override(&cfg.Audit.File, f.file)
		file = cfg.Audit.File
	}
	path, err := auditFile(file, "")
	if err != nil {
		return nil, err
	}
	story, err := audit.Find(strings.TrimPrefix(f.decision, grant.SessionPrefix), path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; name the log of the proxy that decided with --file or --config", errUsage, err)
	}
	e, err := x.Decision(ctx, story.Records)
	if errors.Is(err, policy.ErrPolicy) {
		err = fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	return e, err
}

// maxArgumentsFile bounds what is read as arguments; the gate takes less.
const maxArgumentsFile = 16 << 20

func (f *explainFlags) readArguments() (json.RawMessage, error) {
	path, isFile := strings.CutPrefix(f.arguments, "@")
	if f.arguments == "-" {
		path, isFile = os.Stdin.Name(), true
	}
	if !isFile {
		return json.RawMessage(f.arguments), nil
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxArgumentsFile {
		return nil, fmt.Errorf("%w: --arguments: %s is longer than %d bytes", errUsage, path, maxArgumentsFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: --arguments: %w", errUsage, err)
	}
	return b, nil
}

// load reads the configuration; no server's command is needed, since none is started.
func (f *explainFlags) load() (*config.Config, error) {
	f.serverless = true
	return f.wrapFlags.load(nil)
}

// tagsKept is how long tags are kept that are looked up for one explanation.
const tagsKept = config.Duration(time.Minute)
