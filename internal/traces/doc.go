// Package traces sends what became of calls to a collector of OpenTelemetry traces,
// by OTLP over HTTP: a span for each call, and below it one for each of its stages.
//
// It promises that a call never waits for it and never fails because of it: spans
// wait in a queue that is bounded, and what does not fit, or is not taken, is
// dropped and counted. A span holds what names a call, and nothing that the call
// carries: the audit log, by the decision's id, has the rest.
//
// The exporter is not OpenTelemetry's own otlptracehttp: that one links gRPC and its
// gateway in, with which the program is 42% larger.
package traces
