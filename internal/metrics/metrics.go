package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

const namespace = "ecs_mcp_proxy"

// buckets are for what takes microseconds (a decision) as for what takes minutes
// (a server that waits for a service).
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// Metrics is an mcp.Observer. It is safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
	outcomes  *prometheus.CounterVec
	grants    *prometheus.CounterVec
	sts       *prometheus.CounterVec
	refusals  *prometheus.CounterVec
	panics    prometheus.Counter
	stages    map[string]prometheus.Observer
}

var _ mcp.Observer = (*Metrics)(nil)

// New returns metrics that are also read from sources whenever they are asked for.
func New(from Sources) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	stages := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "stage_seconds",
		Help: "How long a stage of a call took.", Buckets: buckets}, []string{"stage"})
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		decisions: counter("decisions_total", "Messages that were judged, by what came of it.", "class", "persona"),
		outcomes:  counter("outcomes_total", "Calls that the server had, by how they ended.", "class"),
		grants:    counter("grants_total", "Grants that calls were lent, by where they came from.", "from"),
		sts:       counter("sts_requests_total", "Requests to STS, each attempt, by what came of it.", "operation", "result"),
		refusals:  counter("http_refusals_total", "Requests of clients that were refused before a message was read, by status.", "status"),
		panics:    prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "panics_total", Help: "Panics that were kept to their call."}),
		stages:    map[string]prometheus.Observer{},
	}
	for _, stage := range mcp.Stages {
		m.stages[stage] = stages.WithLabelValues(stage)
	}
	m.registry.MustRegister(m.decisions, m.outcomes, m.grants, m.sts, m.refusals, m.panics, stages, from,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers with all of them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Decided implements mcp.Observer.
func (m *Metrics) Decided(class, persona string) { m.decisions.WithLabelValues(class, persona).Inc() }

// Answered implements mcp.Observer.
func (m *Metrics) Answered(class string) { m.outcomes.WithLabelValues(class).Inc() }

// Lent implements mcp.Observer.
func (m *Metrics) Lent(from string) { m.grants.WithLabelValues(from).Inc() }

// Panicked implements mcp.Observer.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Stage implements mcp.Observer.
func (m *Metrics) Stage(stage string, took time.Duration) {
	if s := m.stages[stage]; s != nil {
		s.Observe(took.Seconds())
	}
}

// Refused counts one request of a client that did not come as far as a message.
func (m *Metrics) Refused(status int) { m.refusals.WithLabelValues(strconv.Itoa(status)).Inc() }

// STS counts one attempt of a request to STS.
func (m *Metrics) STS(operation, result string) { m.sts.WithLabelValues(operation, result).Inc() }
