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

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
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
	for _, warning := range warnings(cfg) {
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
	follows, err := newTraces(ctx, cfg, w.log)
	if err != nil {
		return err
	}
	defer follows.Close()
	records, closeRecords, err := openRecords(cfg, w.log, follows)
	if err != nil {
		return err
	}
	defer closeRecords()
	aws, err := dial(ctx, cfg)
	if err != nil {
		return err
	}

	// Before there is a server, so that no signal misses it. A client that goes
	// away is an error of a write, not the end of this process.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	signed, err := signing(cfg)
	if err != nil {
		return err
	}
	servers, err := newServers(cfg, signed, w.serverLog)
	if err != nil {
		return err
	}
	conversation := mcp.NewConversation(wire.Limits{Bytes: cfg.Limits.MessageBytes}, w.log, servers.start)
	turns, end, err := listenForServers(cfg, w.log)
	if err != nil {
		return err
	}
	defer end()
	servers.listen() // a stdio client reads everything
	processes := newProcesses(cfg)
	lanes := newLanes(cfg, "", signed, w.log, conversation, turns, processes)
	defer conversation.Close(lanes)
	if _, err := lanes.First(ctx); err != nil {
		return err
	}
	// Policy and catalogue are read while the server starts: both take longer
	// than anything before.
	go policies.follow(ctx, live, changes, stop)
	catalogue, err := loadCatalog(cfg)
	if err != nil {
		return err
	}
	common := shared{catalogue: catalogue, live: live, facts: newFacts(cfg, aws), broker: grant.NewBroker(aws.sts), records: records, traces: follows, tasks: mcp.NewTasks()}
	if cfg.Mode == config.ModeShadow {
		common.shadow = new(mcp.Shadow)
		go common.shadow.Announce(ctx, func(text string) { w.log.Warn(text) })
	}
	operation := &operation{config: cfg, log: w.log, live: live, records: records, sts: aws.watch, lanes: processes, shadow: common.shadow, traces: follows,
		running: func() bool { return lanes.Running() != nil }}
	closeAdmin, err := operation.open()
	if err != nil {
		return err
	}
	defer closeAdmin()
	common.observe = operation.observer()
	common.changed = func(text string) { w.log.Error(text) }
	if common.pins, err = newPins(cfg, catalogue); err != nil {
		return err
	}
	if common.consents, err = newConsents(cfg); err != nil {
		return err
	}
	conversation.Gate = common.gate(cfg, caller, lanes, w.showCommand)
	defer live.OnChange(conversation.PolicyChanged)()
	go aws.check(ctx, w.log)
	go w.forwardSignals(ctx, signals, conversation, servers)
	if err := conversation.Run(ctx, w.stdin, w.stdout); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	exit := servers.exit()
	if !conversation.Called() && exit.Code != 0 {
		servers.log.explain(w.stderr)
	}
	return w.ended(exit)
}

// forwardSignals passes signals on to the first server, whose end ends the run;
// a second one, or a server that does not listen, is killed.
func (w *wrapper) forwardSignals(ctx context.Context, signals <-chan os.Signal, c *mcp.Conversation, servers *servers) {
	var overdue <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			c.Leave()
			if overdue != nil {
				servers.kill()
				return
			}
			overdue = time.After(2 * stopGrace)
			if err := servers.signal(s); err != nil {
				w.log.Debug("pass a signal on", zap.Error(err))
			}
		case <-overdue:
			servers.kill()
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
