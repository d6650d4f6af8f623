package traces

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// call is the span of a call, below which are those of its stages.
type call struct {
	tracer trace.Tracer
	ctx    context.Context
	span   trace.Span
}

// stageIdentify is the one stage that is over before there is a call.
const stageIdentify = "identify"

// answered are the classes of calls that went as they were meant to.
var answered = map[string]bool{"": true, "allowed": true, "shadow": true, "asked": true, "answered": true}

// Begin implements mcp.Tracer. The client's word on the trace that the call
// belongs to is taken: of what is sent, it changes the trace and whether it is
// sent at all. tracestate and baggage, which can hold anything, are not.
// Source: OpenTelemetry semantic conventions for MCP.
func (t *Traces) Begin(f mcp.Followed) mcp.Trace {
	attributes := []attribute.KeyValue{
		attribute.String("ecsmcp.decision_id", f.DecisionID), attribute.String("mcp.method.name", f.Method), attribute.String("ecsmcp.server", f.Server),
		attribute.String("ecsmcp.requested_by", f.RequestedBy), attribute.String("ecsmcp.persona", f.Persona),
	}
	name := f.Method
	if f.Known { // only then is it of few
		name += " " + f.Tool
	}
	switch f.Method {
	case "tools/call":
		attributes = append(attributes, attribute.String("gen_ai.operation.name", "execute_tool"), attribute.String("gen_ai.tool.name", f.Tool))
	case "prompts/get":
		attributes = append(attributes, attribute.String("gen_ai.prompt.name", f.Tool))
	default:
		attributes = append(attributes, attribute.String("mcp.resource.uri", f.Tool))
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...)}
	if !f.Came.Began.IsZero() {
		options = append(options, trace.WithTimestamp(f.Came.Began))
	}
	ctx, span := t.tracer.Start(parent(f.Parent, f.Came.Traceparent), name, options...)
	if !span.IsRecording() {
		return nil
	}
	c := &call{t.tracer, ctx, span}
	if !f.Came.Began.IsZero() {
		c.Stage(stageIdentify, f.Came.Began, f.Came.Identified)
	}
	return c
}

// parent is the context of the trace that a call belongs to: that in the message
// rather than that in the header, which is about the HTTP request.
func parent(inMessage, inHeader string) context.Context {
	carrier := propagation.MapCarrier{"traceparent": inMessage}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier)
	if !trace.SpanContextFromContext(ctx).IsValid() {
		carrier["traceparent"] = inHeader
		ctx = propagation.TraceContext{}.Extract(context.Background(), carrier)
	}
	return ctx
}

// Stage implements mcp.Trace.
func (c *call) Stage(stage string, began, ended time.Time) {
	_, span := c.tracer.Start(c.ctx, stage, trace.WithTimestamp(began))
	span.End(trace.WithTimestamp(ended))
}

// Decided implements mcp.Trace.
func (c *call) Decided(class string) {
	c.span.SetAttributes(attribute.String("ecsmcp.class", class))
	c.failed(class)
}

// End implements mcp.Trace.
func (c *call) End(class string) {
	if class != "" {
		c.span.SetAttributes(attribute.String("ecsmcp.outcome", class))
	}
	c.failed(class)
	c.span.End()
}

func (c *call) failed(class string) {
	if answered[class] {
		return
	}
	c.span.SetAttributes(attribute.String("error.type", class))
	c.span.SetStatus(codes.Error, "")
}
