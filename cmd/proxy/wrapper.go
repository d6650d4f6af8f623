package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/transport"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// stopGrace is how long the server may take to end after it was asked to.
const stopGrace = 5 * time.Second

// wrapper is one run of the verb wrap.
type wrapper struct {
	config    *config.Config
	log       *zap.Logger
	serverLog string
	showFile  string
	stdin     io.Reader
	stdout    io.Writer
	stderr    io.Writer
}

// run wires everything, top to bottom, and returns when the server has ended.
func (w *wrapper) run(ctx context.Context) error {
	cfg := w.config
	caller, err := identify(cfg)
	if err != nil {
		return err
	}
	for _, warning := range cfg.Warnings() {
		w.log.Warn(warning)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	policies, err := newPolicySet(cfg)
	if err != nil {
		return err
	}
	live, changes, err := policies.prepare(ctx, w.log)
	if err != nil {
		return err
	}
	records, err := audit.Open(cfg.Audit.File)
	if err != nil {
		return err
	}
	defer records.Close()
	aws, err := dial(ctx, cfg)
	if err != nil {
		return err
	}
	endpoint, err := grant.Listen()
	if err != nil {
		return err
	}
	defer endpoint.Close()

	// Before there is a server, so that no signal misses it. A client that goes
	// away is an error of a write, not the end of this process.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	// From here on secrets are in memory and a child may look.
	child, serverLog, err := w.start(endpoint)
	if err != nil {
		return err
	}
	defer child.Kill()
	turns := lane.New(endpoint, cfg.Limits.CancelGrace.D(), func() {
		w.log.Error("the server did not answer a call that was given up on; it is killed so that nothing runs on unseen")
		child.Kill()
	})
	// Policy and catalogue are read while the server starts: both take longer
	// than anything before.
	go policies.follow(ctx, live, changes, stop)
	catalogue, err := loadCatalog(cfg)
	if err != nil {
		return err
	}
	conversation := &mcp.Conversation{
		Limits: wire.Limits{Bytes: cfg.Limits.MessageBytes},
		Log:    w.log,
		Gate: &mcp.Gate{
			Caller: caller, Catalog: catalogue, Policy: deciderOf(live), Facts: newFacts(cfg, aws),
			Grants: grant.NewBroker(aws.sts), Lane: turns, Record: records,
			Timeout: cfg.Limits.CallTimeout.D(), FullDetail: cfg.ClientDetail == "full", ListOperations: cfg.Listing.Operations, ShowCommand: w.showCommand,
		},
	}
	if cfg.Mode == config.ModeShadow {
		conversation.Gate.Shadow = new(mcp.Shadow)
		go conversation.Gate.Shadow.Announce(ctx, func(text string) { w.log.Warn(text) })
	}
	endpoint.OnRefused(func() {
		conversation.Event("credentials", "the server asked for AWS credentials while no call was in progress that has any; refused")
	})
	go aws.check(ctx, w.log)
	go w.forwardSignals(ctx, signals, child)
	go func() { // a client that does not read must not keep what the server's end would end
		<-child.Done()
		time.Sleep(stopGrace)
		stop(nil)
	}()
	conversation.Run(ctx, mcp.Streams{FromClient: w.stdin, ToClient: w.stdout, FromServer: child.Stdout, ToServer: child.Stdin})

	exit := child.Stop(stopGrace)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if !conversation.Called() && exit.Code != 0 {
		serverLog.explain(w.stderr)
	}
	return w.ended(exit)
}

// start prepares this process, then starts the server under the guard.
func (w *wrapper) start(endpoint *grant.Endpoint) (*transport.Child, *serverLog, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find own executable: %w", err)
	}
	if err := errors.Join(transport.Undumpable(), transport.Subreaper()); err != nil {
		return nil, nil, err
	}
	serverLog, err := openServerLog(w.serverLog)
	if err != nil {
		return nil, nil, err
	}
	cfg := w.config
	environment := lane.Environment{Region: cfg.AWS.Region, Endpoint: cfg.AWS.Endpoint, Set: cfg.Upstream.Env, Pass: cfg.Upstream.Pass}
	child, err := transport.Start(transport.Spec{
		Command: cfg.Upstream.Command, Env: environment.Build(endpoint.Environ()), Stderr: serverLog, Guard: []string{self, guardVerb}})
	return child, serverLog, err
}

// forwardSignals passes signals on to the server, whose end ends the run; a
// second one, or a server that does not listen, is killed.
func (w *wrapper) forwardSignals(ctx context.Context, signals <-chan os.Signal, child *transport.Child) {
	var overdue <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			if overdue != nil {
				child.Kill()
				return
			}
			overdue = time.After(2 * stopGrace)
			if err := child.Signal(s); err != nil {
				w.log.Debug("pass a signal on", zap.Error(err))
			}
		case <-overdue:
			child.Kill()
			return
		}
	}
}

// showCommand is what a refusal tells people to type.
func (w *wrapper) showCommand(id string) string {
	command := "ecs-mcp-proxy audit show " + id
	if w.showFile != "" && w.config.ClientDetail == "full" {
		command += " --file " + quote(w.showFile)
	}
	return command
}

// quote makes a path safe to paste into a shell.
func quote(path string) string {
	if strings.IndexFunc(path, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r))
	}) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// ended turns the server's end into the proxy's.
func (w *wrapper) ended(exit transport.Exit) error {
	if exit.Err != nil {
		return exit.Err
	}
	if exit.Code == 0 {
		return nil
	}
	fmt.Fprintf(w.stderr, "ecs-mcp-proxy: the server ended with %s\n", exit)
	return exitCode(exit.Code)
}
