package traces

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// spanHead is the span of a head of the audit log.
const spanHead = "audit head"

// Head sends how far the audit log goes: whoever collects traces then holds what a
// log is found by whose end was cut off. A nil t sends nothing.
func (t *Traces) Head(head string) {
	if t == nil {
		return
	}
	_, span := t.tracer.Start(context.Background(), spanHead, trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(attribute.String("ecsmcp.audit.head", head)))
	span.End()
}

// sampler follows calls in a ratio, and every head.
type sampler struct{ sdktrace.Sampler }

// ShouldSample implements sdktrace.Sampler.
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if p.Name == spanHead && p.Kind == trace.SpanKindInternal { // a call's is a server's
		return sdktrace.AlwaysSample().ShouldSample(p)
	}
	return s.Sampler.ShouldSample(p)
}
