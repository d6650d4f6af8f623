package traces

import (
	"context"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The bounds of what waits for the collector, of one request to it, and of that
// request's time.
const (
	maxWaiting = 4096
	maxBatch   = 512
	exportTime = 10 * time.Second
)

// queue is OpenTelemetry's batching processor, whose losses are counted: it drops
// without saying so.
type queue struct {
	sdktrace.SpanProcessor
	to      sdktrace.SpanExporter
	trouble func(error)

	waiting                   atomic.Int64 // ended, and neither taken nor lost
	exported, failed, dropped atomic.Uint64
	failing                   bool // of export's alone
}

func newQueue(to sdktrace.SpanExporter, trouble func(error)) *queue {
	q := &queue{to: to, trouble: trouble}
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(exporter{q}, sdktrace.WithMaxQueueSize(maxWaiting), sdktrace.WithMaxExportBatchSize(maxBatch),
		sdktrace.WithBatchTimeout(time.Second), sdktrace.WithExportTimeout(exportTime))
	return q
}

// OnEnd takes a span, or drops it if too many wait. It does not block.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if q.waiting.Add(1) > maxWaiting {
		q.waiting.Add(-1)
		q.dropped.Add(1)
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// exporter is what the processor hands batches to, one after the other.
type exporter struct{ q *queue }

func (e exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	q, n := e.q, len(spans)
	err := q.to.ExportSpans(ctx, spans)
	q.waiting.Add(int64(-n))
	if err == nil {
		q.exported.Add(uint64(n))
	} else {
		q.failed.Add(uint64(n))
	}
	if failing := err != nil; failing != q.failing && q.trouble != nil {
		q.failing = failing
		q.trouble(err)
	}
	return nil // it was told
}

func (e exporter) Shutdown(ctx context.Context) error { return e.q.to.Shutdown(ctx) }
