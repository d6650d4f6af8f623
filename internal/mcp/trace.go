package mcp

import (
	"context"
	"slices"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Tracer follows calls for whoever collects traces. It is told what names a call,
// and how long it took: never an argument, a fact, an answer or a credential. It
// must be safe for concurrent use and must not wait for anything.
type Tracer interface {
	// Begin begins to follow a call; nil, and nobody wants to know of it.
	Begin(Followed) Trace
}

// Trace is one call that is followed.
type Trace interface {
	Stage(stage string, began, ended time.Time)
	// Decided is told what an Observer is told.
	Decided(class string)
	// End is told how a call that was forwarded ended; "" of one that was not.
	End(class string)
}

// Followed is what a Tracer is told of a call at its begin. Parent and what is in
// Came are the client's word and nobody has looked at them.
type Followed struct {
	DecisionID, Method, Server string
	// Tool is the tool, prompt or resource; Known, that the catalogue has a tool of that name.
	Tool  string
	Known bool
	// RequestedBy and Persona are as in the audit record.
	RequestedBy, Persona string
	// Parent is the trace context in the message itself. Source: MCP, SEP-414.
	Parent string
	Came   Came
}

// Came is how a request came in over HTTP; zero over stdio.
type Came struct {
	// Traceparent is the header of that name. Source: W3C Trace Context.
	Traceparent string
	// Began and Identified are when it came and when it was known who sent it.
	Began, Identified time.Time
}

// traceKey is the context's key for a call's Trace.
type traceKey struct{}

// follow begins to follow a call; without a tracer that costs nothing.
func (g *Gate) follow(ctx context.Context, m *wire.Message, id string) (context.Context, Trace) {
	if g.Tracer == nil {
		return ctx, nil
	}
	f := Followed{DecisionID: id, Method: m.Method, Server: g.Catalog.Server(), Tool: short(m.Name), Known: slices.Contains(g.Catalog.Tools(), m.Name),
		RequestedBy: g.Caller.Principal.Kind + "/" + g.Caller.Principal.ID, Persona: g.Caller.Persona, Parent: m.Traceparent}
	if g.Came != nil {
		f.Came = g.Came(m.ID.Key())
	}
	trace := g.Tracer.Begin(f)
	if trace == nil {
		return ctx, nil
	}
	return context.WithValue(ctx, traceKey{}, trace), trace
}

// timed begins a stage of the call that ctx is of; what it returns ends it. No
// clock is read if nobody wants to know.
func (g *Gate) timed(ctx context.Context, stage string) (end func()) {
	if g.Observe == nil && g.Tracer == nil {
		return func() {}
	}
	began := time.Now()
	return func() {
		var trace Trace
		if g.Tracer != nil {
			trace, _ = ctx.Value(traceKey{}).(Trace)
		}
		g.stage(trace, stage, began, time.Now())
	}
}

// stage tells of a stage that has ended; trace may be nil.
func (g *Gate) stage(trace Trace, stage string, began, ended time.Time) {
	g.observer().Stage(stage, ended.Sub(began))
	if trace != nil {
		trace.Stage(stage, began, ended)
	}
}
