package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

const doctorHelp = `Check that calls will work, before the first one: the configuration, policy, the
proxy's own credentials, each persona's role (a real AssumeRole, with a session
policy that allows nothing but to ask who one is), looking tags up, the clock, the
audit log and its key, the server's start, and its tools against the catalogue and
upstream.lock. Of wrap, also the persona of the user that runs this; of serve, the
personas of tokens, its address, tokens, TLS files and the keys of the tokens'
issuer. Where they are configured, confirm.key_file and admin.address too.

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
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return fmt.Errorf("%w: give --config FILE; see ecs-mcp-proxy doctor --help", errUsage)
			}
			d := doctor{out: cmd.OutOrStdout(), progress: cmd.ErrOrStderr()}
			return d.run(cmd.Context(), file)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (YAML); needed")
	return cmd
}

// doctor prints one line for each check.
type doctor struct {
	out      io.Writer
	progress io.Writer
	failed   bool
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
		fmt.Fprintf(d.out, "✗ %s: %s\n", what, withArrow(f.err.Error()))
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
	done := progress(d.progress, what)
	found := f(ctx)
	done()
	d.say(what, found)
	return found.err == nil
}

// run checks everything that can be checked although something before it failed.
func (d *doctor) run(ctx context.Context, file string) error {
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	d.say("configuration", finding{well: counted(len(cfg.Personas), "persona") + ", region " + cfg.AWS.Region})
	for _, warning := range warnings(cfg) {
		d.say("configuration", finding{warning: warning})
	}
	if cfg.Mode == config.ModeShadow { // the proxy says so itself, every minute
		d.say("configuration", finding{warning: "mode is shadow: what policy denies goes ahead, and is put on record; mode: enforce refuses it"})
	}
	d.check(ctx, "policy", func(ctx context.Context) finding { return checkPolicy(ctx, cfg, file) })
	var aws *clients
	if d.check(ctx, "own credentials", func(ctx context.Context) (f finding) {
		aws, f = checkBase(ctx, cfg)
		return f
	}) {
		for _, name := range sortedPersonas(cfg) {
			d.check(ctx, "role of persona "+name, func(ctx context.Context) finding { return checkRole(ctx, cfg, aws, name) })
		}
		d.check(ctx, "facts", func(ctx context.Context) finding { return checkFacts(ctx, aws) })
		d.check(ctx, "clock", func(ctx context.Context) finding { return checkClock(ctx, aws) })
	}
	d.check(ctx, "audit log", func(context.Context) finding { return checkAudit(cfg) })
	if cfg.Confirm.KeyFile != "" {
		d.check(ctx, "key of consents", func(context.Context) finding { return checkConfirmKey(cfg) })
	}
	var tools []wire.Tool
	d.check(ctx, "server", func(ctx context.Context) (f finding) {
		tools, f = checkServer(ctx, cfg)
		return f
	})
	if cfg.Upstream.Lock != "" {
		d.check(ctx, "lock", func(context.Context) finding { return checkLock(cfg, tools) })
	}
	d.checkAddresses(ctx, cfg)
	if d.failed {
		return exitCode(exitFailure)
	}
	return nil
}

// checkAddresses looks at what is for operators and for clients of serve.
func (d *doctor) checkAddresses(ctx context.Context, cfg *config.Config) {
	if cfg.Admin.Address != "" {
		d.check(ctx, "admin address", func(context.Context) finding { return checkAdmin(cfg) })
	}
	if cfg.ValidateServe() != nil { // is for wrap
		d.check(ctx, "caller", func(context.Context) finding { return checkCaller(cfg) })
		return
	}
	d.check(ctx, "listen address", func(context.Context) finding { return checkListen(cfg) })
	d.check(ctx, "callers", func(context.Context) finding { return checkCallers(cfg) })
	if len(cfg.Listen.Auth.Tokens) > 0 {
		d.check(ctx, "tokens", func(context.Context) finding { return checkTokens(cfg) })
	}
	if cfg.Listen.TLS != nil {
		d.check(ctx, "TLS", func(context.Context) finding { return checkTLS(cfg) })
	}
	if cfg.Listen.Auth.JWT != nil {
		d.check(ctx, "keys of JWTs", func(ctx context.Context) finding { return checkKeys(ctx, cfg) })
	}
}

// arrow begins the line with the one thing to do.
const arrow = "\n    → "

// toDo is an error with the one thing to do.
func toDo(err error, format string, args ...any) error {
	return fmt.Errorf("%w"+arrow+"%s", err, fmt.Sprintf(format, args...))
}

// withArrow gives an error that says itself what to do, behind its last semicolon,
// the form of the others.
func withArrow(text string) string {
	at := strings.LastIndex(text, "; ")
	if at < 0 || strings.Contains(text, arrow) {
		return text
	}
	return text[:at] + arrow + text[at+2:]
}
