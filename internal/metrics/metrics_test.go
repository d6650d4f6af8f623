package metrics

import (
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
)

// whole are metrics with a value for each.
func whole() *Metrics {
	m := New(Sources{
		Lanes: func() lane.Count { return lane.Count{Open: 3, Busy: 2, Waiting: 1} },
		Policy: func() policy.Count {
			return policy.Count{Revision: "r1", Loaded: time.Now(), OK: 2, Failed: 1, Trouble: true}
		},
		Credentials:   func() (leases, draws, refused uint64) { return 5, 7, 1 },
		AuditFailures: func() uint64 { return 4 },
		AuditSequence: func() uint64 { return 9 },
		LetThrough:    func() int64 { return 6 },
		Sessions:      func() int { return 8 },
		Spans:         func() (exported, failed, dropped uint64) { return 9, 10, 11 },
	})
	m.Decided("policy", "reader")
	m.Answered("answered")
	m.Lent(mcp.LentReused)
	m.STS("AssumeRole", "throttled")
	m.Panicked()
	m.Refused(401)
	m.Stage(mcp.StageFacts, 3*time.Millisecond)
	m.Stage("no stage", time.Second) // is not counted, and breaks nothing
	return m
}

func shown(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetricsSayWhatTheyWereTold(t *testing.T) {
	text := shown(whole())
	for _, want := range []string{
		`decisions_total{class="policy",persona="reader"} 1`, `outcomes_total{class="answered"} 1`, `grants_total{from="reused"} 1`,
		`sts_requests_total{operation="AssumeRole",result="throttled"} 1`, `panics_total 1`, `http_refusals_total{status="401"} 1`, `stage_seconds_bucket{stage="facts",le="0.0025"} 0`,
		`stage_seconds_bucket{stage="facts",le="0.005"} 1`, `stage_seconds_count{stage="upstream"} 0`,
		`lanes{state="open"} 3`, `lanes{state="busy"} 2`, `lanes{state="waiting"} 1`, `policy_loads_total{result="failed"} 1`,
		`policy_info{revision="r1"} 1`, `policy_trouble 1`, `leases_total 5`, `draws_total{result="served"} 7`, `draws_total{result="refused"} 1`,
		`audit_failures_total 4`, `audit_sequence 9`, `shadow_let_through_total 6`, `spans_total{result="exported"} 9`, `spans_total{result="failed"} 10`, `spans_total{result="dropped"} 11`, `sessions 8`,
	} {
		if !strings.Contains(text, "\necs_mcp_proxy_"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestSourcesThatAreNotThereHaveNoMetrics(t *testing.T) {
	if text := shown(New(Sources{})); strings.Contains(text, "ecs_mcp_proxy_sessions") || !strings.Contains(text, "ecs_mcp_proxy_panics_total 0") {
		t.Error(text)
	}
}

// docs/operations.md has a row for every metric with its labels, and none for another.
func TestEveryMetricIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(ecs_mcp_proxy_[a-z_]+)` \\|([^|]*)\\|").FindAllSubmatch(page, -1) {
		documented[string(row[1])] = strings.NewReplacer("`", "", " ", "").Replace(string(row[2]))
	}
	families, err := whole().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), namespace) {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		got, ok := documented[f.GetName()]
		if want := strings.Join(labels, ","); !ok || got != want {
			t.Errorf("%s is documented with the labels %q (%t), and has %q", f.GetName(), got, ok, want)
		}
		delete(documented, f.GetName())
	}
	for name := range documented {
		t.Errorf("%s is documented and not there", name)
	}
}

// What one call costs: a decision, an outcome, a grant and every stage.
func BenchmarkACall(b *testing.B) {
	m := whole()
	b.ReportAllocs()
	for b.Loop() {
		m.Decided("allowed", "reader")
		m.Answered("answered")
		m.Lent(mcp.LentReused)
		for _, stage := range mcp.Stages {
			m.Stage(stage, time.Millisecond)
		}
	}
}
