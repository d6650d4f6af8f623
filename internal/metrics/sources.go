package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
)

// Sources count by themselves and are read when metrics are asked for. One that
// is nil has no metrics.
type Sources struct {
	Lanes         func() lane.Count
	Policy        func() policy.Count
	Credentials   func() (leases, draws, refused uint64)
	AuditFailures func() uint64
	AuditSequence func() uint64
	LetThrough    func() int64 // in shadow mode
	Sessions      func() int   // of clients
	Spans         func() (exported, failed, dropped uint64)
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

var (
	lanes         = desc("lanes", "Servers that run (open), lanes that calls are on (busy), calls without a lane yet (waiting).", "state")
	policyLoads   = desc("policy_loads_total", "Loads of policy, the first too, and fetches of a bundle that failed.", "result")
	policyInfo    = desc("policy_info", "The revision in force; 1.", "revision")
	policyAge     = desc("policy_age_seconds", "Since policy was last loaded well.")
	policyTrouble = desc("policy_trouble", "1: what policy is made of cannot be loaded now, and the last good one decides on.")
	leases        = desc("leases_total", "Leases of credentials on endpoints.")
	draws         = desc("draws_total", "Requests of servers for credentials.", "result")
	auditFailures = desc("audit_failures_total", "Records that could not be written.")
	auditSequence = desc("audit_sequence", "Number of the last line of the audit log that this process wrote.")
	letThrough    = desc("shadow_let_through_total", "Calls that went ahead in shadow mode and that enforce would have refused.")
	spans         = desc("spans_total", "Spans of traces, by what became of them.", "result")
	sessions      = desc("sessions", "Sessions of clients that are open.")
)

// Describe implements prometheus.Collector.
func (s Sources) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lanes, policyLoads, policyInfo, policyAge, policyTrouble, leases, draws, auditFailures, auditSequence, letThrough, spans, sessions} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s Sources) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	if s.Lanes != nil {
		c := s.Lanes()
		gauge(lanes, float64(c.Open), "open")
		gauge(lanes, float64(c.Busy), "busy")
		gauge(lanes, float64(c.Waiting), "waiting")
	}
	if s.Policy != nil {
		c := s.Policy()
		counter(policyLoads, c.OK, "ok")
		counter(policyLoads, c.Failed, "failed")
		trouble := 0.0
		if c.Trouble {
			trouble = 1
		}
		gauge(policyTrouble, trouble)
		if c.Revision != "" {
			gauge(policyInfo, 1, c.Revision)
			gauge(policyAge, time.Since(c.Loaded).Seconds())
		}
	}
	if s.Credentials != nil {
		leased, served, refused := s.Credentials()
		counter(leases, leased)
		counter(draws, served, "served")
		counter(draws, refused, "refused")
	}
	if s.AuditFailures != nil {
		counter(auditFailures, s.AuditFailures())
	}
	if s.AuditSequence != nil {
		gauge(auditSequence, float64(s.AuditSequence()))
	}
	if s.LetThrough != nil {
		counter(letThrough, uint64(s.LetThrough()))
	}
	if s.Spans != nil {
		exported, failed, dropped := s.Spans()
		counter(spans, exported, "exported")
		counter(spans, failed, "failed")
		counter(spans, dropped, "dropped")
	}
	if s.Sessions != nil {
		gauge(sessions, float64(s.Sessions()))
	}
}
