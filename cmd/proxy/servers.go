package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/remote"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/transport"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// servers starts the server under a guard, as often as lanes need it.
type servers struct {
	config *config.Config
	self   string
	log    *serverLog
	// headers are those that came with a request over HTTP and repeat its
	// arguments; nil for none.
	headers func(wire.Key) http.Header
	signed  catalog.Signed // how requests to the server are signed; zero if they are not

	mu        sync.Mutex
	child     *transport.Child       // of lane 0, the last one
	connected map[int]*remote.Server // by lane, the last ones
	listens   bool                   // the client reads what belongs to no request
}

// newServers prepares this process: from here on secrets are in memory and a
// child may look.
func newServers(cfg *config.Config, signed catalog.Signed, logFile string) (*servers, error) {
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
	return &servers{config: cfg, self: self, log: log, signed: signed}, nil
}

// warnings says what is allowed but seldom meant, and what this system cannot promise.
func warnings(cfg *config.Config) []string {
	all := cfg.Warnings()
	if starts := len(cfg.Upstream.URLs) == 0; starts && transport.Caveat != "" {
		all = append(all, transport.Caveat)
	}
	return all
}

// start starts the server of a lane, or connects to it, with these means of coming
// by credentials. A process that holds the keys of one call has a home of its
// own, which goes with it.
func (s *servers) start(index int, means grant.Means) (mcp.Process, error) {
	cfg := s.config
	switch {
	case cfg.Credentials.Delivery == config.DeliverySigV4:
		return s.connect(cfg.Upstream.URLs[0].URL, index, means.Grant), nil
	case len(cfg.Upstream.URLs) > 0:
		return s.connect(cfg.Upstream.URLs[index].URL, index, nil), nil
	}
	environment := lane.Environment{Region: cfg.AWS.Region, Endpoint: cfg.AWS.Endpoint, Set: cfg.Upstream.Env, Pass: cfg.Upstream.Pass,
		Own: cfg.Credentials.Delivery == config.DeliveryNone}
	remove := func() {}
	if cfg.Credentials.Delivery == config.DeliveryProcess && index > 0 && len(means.Environ) > 0 {
		home, err := os.MkdirTemp("", "ecs-mcp-proxy-home-")
		if err != nil {
			return mcp.Process{}, fmt.Errorf("make a home for the server: %w", err)
		}
		environment.Home = home
		remove = sync.OnceFunc(func() { _ = os.RemoveAll(home) }) // what is left is as private as it was
	}
	child, err := transport.Start(transport.Spec{
		Command: cfg.Upstream.Command, Env: environment.Build(means.Environ), Stderr: s.log, Guard: []string{s.self, guardVerb}})
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

// connections are kept for as many calls as there are at the same time, of all sessions.
var connections = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 1000
	return t
}()

// connect is a server that was not started here. If requests to it are signed,
// signer lends what each of them is signed with, and only the first connection of a
// session, which is no call's, listens for what belongs to no request.
func (s *servers) connect(url string, index int, signer grant.Lender) mcp.Process {
	c := remote.Config{URL: url, Limits: wire.Limits{Bytes: s.config.Limits.MessageBytes}, Headers: s.headers, Transport: connections}
	if s.config.Credentials.Delivery == config.DeliverySigV4 {
		c.Sign = func(ctx context.Context, r *http.Request, body []byte) error {
			lent, err := signer(ctx)
			if err != nil {
				return err
			}
			return lent.Sign(ctx, r, body, s.signed.Service, s.config.AWS.Region)
		}
	}
	server := remote.Open(c)
	if s.config.Credentials.Delivery != config.DeliverySigV4 || index == 0 {
		s.remember(index, server)
	}
	return mcp.Process{Peer: server, Address: url, Done: server.Done(), Kill: server.Kill,
		Working: server.Working, Stop: func() bool { return server.Stop(stopGrace) }}
}

// remember keeps a connection that listens when the client does.
func (s *servers) remember(index int, server *remote.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connected == nil {
		s.connected = map[int]*remote.Server{}
	}
	s.connected[index] = server
	if s.listens {
		server.Listen()
	}
}

// listen has servers that were not started here say what belongs to no request,
// from now on: somebody reads it, and it costs a connection.
func (s *servers) listen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listens = true
	for _, server := range s.connected {
		server.Listen()
	}
}

// first is the session's first server, as it was started last; nil if it was not started here.
func (s *servers) first() *transport.Child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child
}

// exit is how the first server ended.
func (s *servers) exit() (exit transport.Exit) {
	if child := s.first(); child != nil {
		exit = child.Wait()
	}
	return exit
}

// signal passes a signal on to the first server; kill ends it.
func (s *servers) signal(sig os.Signal) error {
	if child := s.first(); child != nil {
		return child.Signal(sig)
	}
	return nil
}

func (s *servers) kill() {
	if child := s.first(); child != nil {
		child.Kill()
	}
}

// laneIdle is how long a further server of a session is kept for its next call.
const laneIdle = 5 * time.Minute

// newLanes are the servers of one session, of one principal among those that share servers.
func newLanes(cfg *config.Config, principal string, signed catalog.Signed, log *zap.Logger, c *mcp.Conversation, turns *lane.Turns, processes *lane.Processes) *lane.Pool {
	var relay grant.Lender
	if signed != (catalog.Signed{}) {
		relay = c.Relay
	}
	return lane.New(lane.Config{
		Relay: relay,
		Open:  c.Open, Lanes: cfg.Upstream.Lanes, Turns: turns, Processes: processes, Principal: principal,
		Delivery: grant.Delivery(cfg.Credentials.Delivery), Grace: cfg.Limits.CancelGrace.D(), Idle: laneIdle,
		Refused: func(int) {
			c.Event("credentials", "the server asked for AWS credentials while no call was in progress that has any; refused")
		},
		Killed: func(int) {
			log.Error("the server did not answer a call that was given up on; it is killed so that nothing runs on unseen")
		},
	})
}

// newProcesses bounds the servers of all sessions together; those that are not
// started here are no processes.
func newProcesses(cfg *config.Config) *lane.Processes {
	if len(cfg.Upstream.URLs) > 0 {
		return lane.NewProcesses(math.MaxInt)
	}
	return lane.NewProcesses(cfg.Limits.Processes)
}

// listenForServers opens the credential endpoints of servers that are not
// started here, one each; turns is nil if there are none.
func listenForServers(cfg *config.Config, log *zap.Logger) (turns *lane.Turns, end func(), err error) {
	if len(cfg.Upstream.URLs) == 0 || cfg.Credentials.Delivery == config.DeliverySigV4 {
		return nil, func() {}, nil
	}
	var endpoints []*grant.Endpoint
	end = func() {
		for _, e := range endpoints {
			if e != nil {
				e.Close()
			}
		}
	}
	for _, u := range cfg.Upstream.URLs {
		var endpoint *grant.Endpoint
		if cfg.Credentials.Delivery == config.DeliveryLease {
			if endpoint, err = grant.ListenForGroup(u.Credentials.Listen, u.Credentials.TokenFile, u.Credentials.TokenGroup); err != nil {
				end()
				return nil, nil, err
			}
			endpoint.OnRefused(func() {
				log.Warn("a server asked for AWS credentials while no call was in progress that has any; refused", zap.String("url", u.URL))
			})
		}
		endpoints = append(endpoints, endpoint)
	}
	return lane.NewTurns(endpoints), end, nil
}
