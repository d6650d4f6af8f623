package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/admin"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/streamable"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/transport"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/metrics"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/traces"
)

// operation is what operators see of a run.
type operation struct {
	config   *config.Config
	log      *zap.Logger
	live     *policy.Live
	records  *audit.Log
	sts      *stsWatch
	lanes    *lane.Processes
	shadow   *mcp.Shadow
	traces   *traces.Traces                    // nil: nobody collects them
	running  func() bool                       // the server of wrap; nil of serve, whose sessions have servers of their own
	serves   bool                              // the run is one of serve
	front    atomic.Pointer[streamable.Server] // once it serves
	stopping atomic.Bool

	metrics *metrics.Metrics // nil: nobody looks
}

// open serves the admin address, if there is one, until end is called. It is to be
// called before the first call, and before STS is asked.
func (o *operation) open() (end func(), err error) {
	if o.config.Admin.Address == "" {
		return func() {}, nil
	}
	o.metrics = metrics.New(o.sources())
	o.sts.observe(o.metrics.STS)
	listener, err := net.Listen("tcp", o.config.Admin.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on admin.address: %w; name another, or end what listens there", err)
	}
	server := admin.Server(admin.Config{Checks: o.checks(), Metrics: o.metrics.Handler(), Loopback: o.config.AdminIsLoopback()})
	server.ErrorLog = zap.NewStdLog(o.log)
	o.log.Info("answering operators", zap.String("admin", "http://"+listener.Addr().String()))
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.log.Error("the admin address is not served any more", zap.Error(err))
		}
	}()
	return func() { _ = server.Close() }, nil // nothing is left to lose
}

// sources are what is counted anyway.
func (o *operation) sources() metrics.Sources {
	from := metrics.Sources{Lanes: o.lanes.Count, Policy: o.live.Count, AuditFailures: o.records.Failures,
		AuditSequence: func() uint64 { return o.records.Head().Seq }, Credentials: grant.Count}
	if o.shadow != nil {
		from.LetThrough = o.shadow.LetThrough
	}
	if o.traces != nil {
		from.Spans = o.traces.Count
	}
	if o.serves {
		from.Sessions = func() int {
			if front := o.front.Load(); front != nil {
				return front.Open()
			}
			return 0
		}
	}
	return from
}

// observer is who gates tell what they do; nil for nobody.
func (o *operation) observer() mcp.Observer {
	if o.metrics == nil {
		return nil
	}
	return o.metrics
}

// stop says that no new call should come.
func (o *operation) stop() { o.stopping.Store(true) }

// checks are what a call cannot do without.
func (o *operation) checks() []*admin.Check {
	checks := []*admin.Check{
		{Name: "proxy", Look: func(context.Context) error {
			if o.stopping.Load() {
				return errors.New("it is stopping; calls in progress may end")
			}
			return nil
		}},
		{Name: "policy", Look: func(context.Context) error {
			if !o.live.Ready() {
				return errors.New("no policy is in force yet, so every call waits or is refused; the log says why")
			}
			return nil
		}},
		{Name: "audit", Look: func(context.Context) error { return o.records.Check() }, Keep: time.Second},
	}
	if o.config.Credentials.Delivery != config.DeliveryNone {
		checks = append(checks, &admin.Check{Name: "sts", Look: o.sts.check})
	}
	if len(o.config.Upstream.URLs) == 0 {
		checks = append(checks, &admin.Check{Name: "upstream", Look: func(context.Context) error { return o.upstream() }})
	}
	for _, u := range o.config.Upstream.URLs {
		checks = append(checks, &admin.Check{Name: "upstream " + hostOf(u.URL), Look: func(ctx context.Context) error { return reach(ctx, u.URL) }, Keep: 5 * time.Second})
	}
	return checks
}

// upstream says whether a server can be started, and of wrap, whether it runs. How
// the servers of sessions end is not asked: that is in their clients' hands, and
// no client must be able to make the proxy look away for all.
func (o *operation) upstream() error {
	if err := (transport.Spec{Command: o.config.Upstream.Command}).Check(); err != nil {
		return err
	}
	if o.running != nil && !o.running() {
		return errors.New("the server ended and is being started again")
	}
	return nil
}

// hostOf is what of a server's URL may be shown: its path can hold anything.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// reach opens a connection and sends nothing: what a server would do with an
// odd request is not ours to find out.
func reach(ctx context.Context, text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("no URL")
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme // "http" and "https" are names of services too
	}
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return fmt.Errorf("it cannot be reached: %w", err)
	}
	return connection.Close()
}
