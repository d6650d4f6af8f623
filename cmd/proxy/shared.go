package main

import (
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/traces"
)

// shared is what all sessions of a proxy judge with.
type shared struct {
	catalogue *catalog.Catalog
	live      *policy.Live
	facts     *facts.Reader
	broker    *grant.Broker
	records   *audit.Log
	shadow    *mcp.Shadow // nil: policy is enforced
	observe   mcp.Observer
	consents  *mcp.Consents
	tasks     *mcp.Tasks
	pins      *mcp.ToolPins
	changed   func(text string) // is told of a tool that says something else
	traces    *traces.Traces    // nil: nobody collects them
}

// gate is one session's judge.
func (s *shared) gate(cfg *config.Config, caller mcp.Caller, lanes *lane.Pool, show func(id string) string) *mcp.Gate {
	gate := &mcp.Gate{
		Caller: caller, Catalog: s.catalogue, Policy: deciderOf(s.live), Facts: s.facts, Grants: s.broker, Record: s.records, Shadow: s.shadow,
		Lanes: lanes, Delivery: grant.Delivery(cfg.Credentials.Delivery), NoReuse: cfg.Credentials.Reuse == config.ReuseNone,
		Timeout: cfg.Limits.CallTimeout.D(), Wait: cfg.Limits.Wait.D(),
		FullDetail: cfg.ClientDetail == "full", ListOperations: cfg.Listing.Operations, ShowCommand: show, Observe: s.observe,
		Pins: s.pins, ToolChanged: s.changed, Consents: s.consents, Tasks: s.tasks,
	}
	if s.traces != nil {
		gate.Tracer = s.traces
	}
	return gate
}
