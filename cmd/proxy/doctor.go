package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const doctorHelp = `Check that calls will work, before the first one: the configuration, policy, the
proxy's own credentials, each persona's role (a real AssumeRole, with a session
policy that allows nothing but to ask who one is), looking tags up, the clock,
the server's start, and its tools against the catalogue.

Every failure is followed by the one thing to do. Nothing is changed at AWS. The
exit code is 1 if a check failed.`

// doctorTime bounds one check: the real server waits a minute for a network
// that swallows packets.
const doctorTime = 90 * time.Second

func newDoctor() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "doctor --config FILE",
		Short: "Check configuration, credentials, roles, policy and server, in plain words",
		Long:  doctorHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return fmt.Errorf("%w: give --config FILE; see ecs-mcp-proxy doctor --help", errUsage)
			}
			d := doctor{out: cmd.OutOrStdout()}
			return d.run(cmd.Context(), file)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (YAML); needed")
	return cmd
}

// doctor prints one line for each check.
type doctor struct {
	out    io.Writer
	failed bool
}

// finding is what a check found: how well things are, or what to do.
type finding struct {
	well    string // what is well; empty with an error
	warning string // what is seldom meant
	err     error
}

// say prints a finding.
func (d *doctor) say(what string, f finding) {
	switch {
	case f.err != nil:
		d.failed = true
		fmt.Fprintf(d.out, "✗ %s: %v\n", what, f.err)
	case f.warning != "":
		fmt.Fprintf(d.out, "! %s: %s\n", what, f.warning)
	default:
		fmt.Fprintf(d.out, "✓ %s: %s\n", what, f.well)
	}
}

// check runs one check within its time.
func (d *doctor) check(ctx context.Context, what string, f func(context.Context) finding) bool {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	found := f(ctx)
	d.say(what, found)
	return found.err == nil
}

// run checks everything that can be checked although something before it failed.
func (d *doctor) run(ctx context.Context, file string) error {
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	d.say("configuration", finding{well: fmt.Sprintf("%d personas, region %s", len(cfg.Personas), cfg.AWS.Region)})
	for _, warning := range warnings(cfg) {
		d.say("configuration", finding{warning: warning})
	}
	d.check(ctx, "policy", func(ctx context.Context) finding { return checkPolicy(ctx, cfg) })
	aws, err := dial(ctx, cfg)
	if err != nil {
		return err
	}
	if d.check(ctx, "own credentials", func(ctx context.Context) finding { return checkBase(ctx, aws) }) {
		for _, name := range sortedPersonas(cfg) {
			d.check(ctx, "role of persona "+name, func(ctx context.Context) finding { return checkRole(ctx, cfg, aws, name) })
		}
		d.check(ctx, "facts", func(ctx context.Context) finding { return checkFacts(ctx, aws) })
		d.check(ctx, "clock", func(ctx context.Context) finding { return checkClock(ctx, aws) })
	}
	d.check(ctx, "audit log", func(context.Context) finding { return checkAudit(cfg) })
	d.check(ctx, "server", func(ctx context.Context) finding { return checkServer(ctx, cfg) })
	if d.failed {
		return exitCode(exitFailure)
	}
	return nil
}

// toDo is an error with the one thing to do.
func toDo(err error, format string, args ...any) error {
	return fmt.Errorf("%w\n    → %s", err, fmt.Sprintf(format, args...))
}

var errNoServer = errors.New("no server is named")
