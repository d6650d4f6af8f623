package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/transport"
)

// servers starts the server under a guard, as often as lanes need it.
type servers struct {
	config *config.Config
	self   string
	log    *serverLog

	mu    sync.Mutex
	child *transport.Child // of lane 0, the last one
}

// newServers prepares this process: from here on secrets are in memory and a
// child may look.
func newServers(cfg *config.Config, logFile string) (*servers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	if err := errors.Join(transport.Undumpable(), transport.Subreaper()); err != nil {
		return nil, err
	}
	log, err := openServerLog(logFile)
	if err != nil {
		return nil, err
	}
	return &servers{config: cfg, self: self, log: log}, nil
}

// start starts the server of a lane with these variables in its environment,
// beside what every server gets. A process that holds the keys of one call has a
// home of its own, which goes with it.
func (s *servers) start(index int, environ []string) (mcp.Process, error) {
	cfg := s.config
	environment := lane.Environment{Region: cfg.AWS.Region, Endpoint: cfg.AWS.Endpoint, Set: cfg.Upstream.Env, Pass: cfg.Upstream.Pass,
		Own: cfg.Credentials.Delivery == config.DeliveryNone}
	remove := func() {}
	if cfg.Credentials.Delivery == config.DeliveryProcess && len(environ) > 0 {
		home, err := os.MkdirTemp("", "ecs-mcp-proxy-home-")
		if err != nil {
			return mcp.Process{}, fmt.Errorf("make a home for the server: %w", err)
		}
		environment.Home = home
		remove = sync.OnceFunc(func() { _ = os.RemoveAll(home) }) // what is left is as private as it was
	}
	child, err := transport.Start(transport.Spec{
		Command: cfg.Upstream.Command, Env: environment.Build(environ), Stderr: s.log, Guard: []string{s.self, guardVerb}})
	if err != nil {
		remove()
		return mcp.Process{}, err
	}
	if index == 0 {
		s.mu.Lock()
		s.child = child
		s.mu.Unlock()
	}
	return mcp.Process{Stdin: child.Stdin, Stdout: child.Stdout, Done: child.Done(), Kill: child.Kill,
		Stop: func() bool {
			defer remove()
			exit := child.Stop(stopGrace)
			return exit.Err == nil && exit.Code == 0
		}}, nil
}

// first is the session's first server, as it was started last.
func (s *servers) first() *transport.Child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child
}

// exit is how the first server ended.
func (s *servers) exit() transport.Exit { return s.first().Wait() }

// laneIdle is how long a further server of a session is kept for its next call.
const laneIdle = 5 * time.Minute

// newLanes are the servers of one session.
func newLanes(cfg *config.Config, log *zap.Logger, c *mcp.Conversation, processes *lane.Processes) *lane.Pool {
	return lane.New(lane.Config{
		Open: c.Open, Lanes: cfg.Upstream.Lanes, Processes: processes,
		Delivery: grant.Delivery(cfg.Credentials.Delivery), Grace: cfg.Limits.CancelGrace.D(), Idle: laneIdle,
		Refused: func(int) {
			c.Event("credentials", "the server asked for AWS credentials while no call was in progress that has any; refused")
		},
		Killed: func(int) {
			log.Error("the server did not answer a call that was given up on; it is killed so that nothing runs on unseen")
		},
	})
}
