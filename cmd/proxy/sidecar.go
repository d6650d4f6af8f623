package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/streamable"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// drain is how long calls in progress may take after SIGTERM.
const drain = 30 * time.Second

// sidecar is one run of the verb serve.
type sidecar struct {
	config    *config.Config
	log       *zap.Logger
	serverLog string

	shared
	processes *lane.Processes
	operation *operation
	turns     *lane.Turns // of servers that are not started here; nil if there are none
}

// run wires everything, top to bottom, and returns when every session has ended.
func (s *sidecar) run(ctx context.Context) error {
	cfg := s.config
	identify, err := newIdentity(ctx, cfg, s.log)
	if err != nil {
		return err
	}
	for _, warning := range warnings(cfg) {
		s.log.Warn(warning)
	}
	if unknown := checkCallers(cfg).err; unknown != nil {
		s.log.Warn("a client that listen.auth lets in is refused all it asks", zap.Error(unknown))
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	policies, err := newPolicySet(cfg)
	if err != nil {
		return err
	}
	live, changes, err := policies.prepare(ctx, s.log)
	if err != nil {
		return err
	}
	s.live = live
	if s.traces, err = newTraces(ctx, cfg, s.log); err != nil {
		return err
	}
	defer s.traces.Close()
	records, closeRecords, err := openRecords(cfg, s.log, s.traces)
	if err != nil {
		return err
	}
	defer closeRecords()
	s.records = records
	aws, err := dial(ctx, cfg)
	if err != nil {
		return err
	}
	if s.catalogue, err = loadCatalog(cfg); err != nil {
		return err
	}
	s.facts, s.broker, s.processes, s.tasks = newFacts(cfg, aws), grant.NewBroker(aws.sts), newProcesses(cfg), mcp.NewTasks()
	turns, end, err := listenForServers(cfg, s.log)
	if err != nil {
		return err
	}
	defer end()
	s.turns = turns
	if cfg.Mode == config.ModeShadow {
		s.shadow = new(mcp.Shadow)
		go s.shadow.Announce(ctx, func(text string) { s.log.Warn(text) })
	}
	go policies.follow(ctx, live, changes, stop)
	go aws.check(ctx, s.log)
	s.operation = &operation{config: cfg, log: s.log, live: live, records: s.records, sts: aws.watch, lanes: s.processes, shadow: s.shadow, traces: s.traces, serves: true}
	closeAdmin, err := s.operation.open()
	if err != nil {
		return err
	}
	defer closeAdmin()
	s.observe = s.operation.observer()
	s.changed = func(text string) { s.log.Error(text) }
	if s.pins, err = newPins(cfg, s.catalogue); err != nil {
		return err
	}
	if s.consents, err = newConsents(cfg); err != nil {
		return err
	}

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // rotation sends it, and needs no more than the next record
	// An invalid policy never opens the port.
	if _, err := live.Engine(ctx); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	listener, err := net.Listen("tcp", cfg.Listen.Address)
	if err != nil {
		return fmt.Errorf("listen on listen.address: %w; name another, or end what listens there", err)
	}
	front := streamable.New(streamable.Config{Path: cfg.Listen.Path, Talk: s.talk, Identify: identify.of, Unreadable: s.unreadable,
		Refused: newRefusals(s.operation.metrics, s.log).refused,
		Hosts:   cfg.Listen.Hosts, Origins: cfg.Listen.Origins, Limits: wire.Limits{Bytes: cfg.Limits.MessageBytes},
		Quota:    streamable.Quota{Sessions: cfg.Limits.PrincipalSessions, Concurrency: cfg.Limits.Concurrency, Rate: cfg.Limits.Rate, Burst: cfg.Limits.Burst},
		Sessions: cfg.Limits.Sessions, Idle: cfg.Limits.SessionIdle.D()})
	s.operation.front.Store(front)
	web := &http.Server{Handler: identify.before(front), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: zap.NewStdLog(s.log)}
	scheme := "http"
	if identify.tls != nil {
		scheme, listener = "https", tls.NewListener(listener, identify.tls.Config())
	}
	s.log.Info("serving", zap.String("url", scheme+"://"+listener.Addr().String()+cfg.Listen.Path))
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-signals:
		s.log.Info("stopping: calls in progress may end", zap.Duration("within", drain))
	}
	s.operation.stop()
	s.stop(web, front, signals)
	return err
}

// stop takes nothing new, lets what is in progress end, and cuts it at the end
// of its time or at a second signal.
func (s *sidecar) stop(web *http.Server, front *streamable.Server, signals <-chan os.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	front.Close(ctx)
	if err := web.Shutdown(ctx); err != nil {
		_ = web.Close() // nothing is left to lose
	}
}

// talk is one session: servers of its own, and a gate for its principal.
func (s *sidecar) talk(ctx context.Context, principal authz.Principal, client streamable.Client) {
	cfg := s.config
	caller, err := callerOf(cfg, principal)
	if err != nil { // was let in, so it has a persona
		s.log.Error("identify", zap.Error(err))
		return
	}
	signed, _ := s.catalogue.Signed()
	servers, err := newServers(cfg, signed, s.serverLog)
	if err != nil {
		s.log.Error("start the server", zap.Error(err))
		return
	}
	servers.headers = func(id wire.Key) http.Header { return client.Came(id).Parameters }
	client.OnListen(servers.listen)
	conversation := mcp.NewConversation(wire.Limits{Bytes: cfg.Limits.MessageBytes}, s.log, servers.start)
	conversation.Headers, conversation.HeadersTravel = servers.headers, len(cfg.Upstream.URLs) > 0
	lanes := newLanes(cfg, principal.Kind+"/"+principal.ID, signed, s.log, conversation, s.turns, s.processes)
	defer conversation.Close(lanes)
	conversation.Gate = s.gate(cfg, caller, lanes, func(id string) string { return "ecs-mcp-proxy audit show " + id })
	conversation.Gate.Came = func(id wire.Key) mcp.Came {
		c := client.Came(id)
		return mcp.Came{Traceparent: c.Traceparent, Began: c.Began, Identified: c.Identified}
	}
	defer s.live.OnChange(conversation.PolicyChanged)()
	if err := conversation.Serve(ctx, client); err != nil {
		s.log.Error("a session's server could not be started", zap.Error(err))
	}
}

// unreadable puts a message that has no single reading on record.
func (s *sidecar) unreadable(principal authz.Principal, err error) []byte {
	if s.observe != nil {
		persona, _ := s.config.PersonaOf(principal.Kind, principal.ID)
		s.observe.Decided("unreadable", persona)
	}
	id := audit.NewID()
	record := audit.Record{Phase: audit.PhaseRefusal, DecisionID: id, Class: "unreadable", Message: err.Error(), RequestedBy: principal.Kind + "/" + principal.ID}
	if err := s.records.Append(record); err != nil {
		s.log.Error("a refusal is not on record", zap.Error(err))
	}
	code, about := wire.CodeParse, wire.ID{}
	if unread := new(wire.Error); errors.As(err, &unread) {
		code, about = unread.Code, unread.ID
	}
	return wire.ErrorResponse(about, code, "ecs-mcp-proxy: "+err.Error()+"; to see all of it: ecs-mcp-proxy audit show "+id,
		map[string]string{"decision_id": id, "class": "unreadable"})
}
