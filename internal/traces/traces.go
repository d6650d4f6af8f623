package traces

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/awake"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// Config says where spans go.
type Config struct {
	// Endpoint is the whole URL of the collector.
	Endpoint string
	// Header is sent with each request to it; it may hold a secret.
	Header http.Header
	// Ratio is how many of the calls that begin a trace are followed, from 0 to 1.
	// One that belongs to a trace is followed if that one is.
	Ratio   float64
	Version string // of this program
	// Trouble is told when the collector stops taking spans, and nil when it takes them again.
	Trouble func(error)
}

// Traces is an mcp.Tracer. It is safe for concurrent use.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	queue    *queue
}

var _ mcp.Tracer = (*Traces)(nil)

// flushTime is how long Close may take: a collector that does not answer must not
// keep the program.
const flushTime = 3 * time.Second

// New returns traces that are sent until Close; nothing is sent yet.
func New(ctx context.Context, config Config) (*Traces, error) {
	exporter, err := otlptrace.New(ctx, newClient(config.Endpoint, config.Header))
	if err != nil {
		return nil, fmt.Errorf("begin to export traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // it would write to standard error; what is lost is counted here
	q := newQueue(exporter, config.Trouble)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(q),
		sdktrace.WithSampler(sampler{sdktrace.ParentBased(sdktrace.TraceIDRatioBased(config.Ratio))}),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", config.Version))))
	return &Traces{provider: provider, tracer: provider.Tracer(service), queue: q}, nil
}

// service names this program among others.
const service = "ecs-mcp-proxy"

// Count is what became of spans that ended: dropped are those that found the
// queue full, failed those that the collector did not take.
func (t *Traces) Count() (exported, failed, dropped uint64) {
	return t.queue.exported.Load(), t.queue.failed.Load(), t.queue.dropped.Load()
}

// Close sends what waits, if the collector takes it soon, and nothing more after
// that. A nil t has nothing to send.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	ctx, cancel := awake.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what was not sent is lost, as it says
}
