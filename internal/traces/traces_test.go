package traces

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

func followed(t *testing.T, ratio float64, endpoint string, trouble func(error)) *Traces {
	t.Helper()
	traces, err := New(t.Context(), Config{Endpoint: endpoint, Header: http.Header{"X-Secret": {"canary"}}, Ratio: ratio, Trouble: trouble})
	if err != nil {
		t.Fatal(err)
	}
	return traces
}

// One that takes the request and does not answer is the worst: nothing says that it is away.
func TestACollectorThatDoesNotAnswerHoldsUpNothing(t *testing.T) {
	came, gone := make(chan struct{}, 10), make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		came <- struct{}{}
		<-gone
	}))
	defer web.Close()
	defer close(gone)
	traces := followed(t, 1, web.URL, nil)
	begin := func() {
		call := traces.Begin(mcp.Followed{Method: "tools/call"})
		call.Decided("allowed")
		call.End("answered")
	}
	begin()
	<-came
	for range 2 * maxWaiting { // none of which waits
		begin()
	}
	exported, _, dropped := traces.Count()
	if waiting := traces.queue.waiting.Load(); exported != 0 || dropped == 0 || waiting > maxWaiting {
		t.Errorf("exported %d, dropped %d, waiting %d", exported, dropped, waiting)
	}
	ended := make(chan struct{})
	go func() { traces.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("Close waits for the collector")
	}
}

func TestACollectorThatSendsElsewhereGetsItsHeaderAlone(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	web := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer web.Close()
	troubles := make(chan error, 1)
	traces := followed(t, 1, web.URL+"/secret-path", func(err error) { troubles <- err })
	traces.Begin(mcp.Followed{Method: "tools/call"}).End("")
	traces.Close()
	if err := <-troubles; err == nil || !strings.Contains(err.Error(), "it answered 307") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestWhoseTraceACallBelongsTo(t *testing.T) {
	const message, header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, tt := range map[string]struct{ inMessage, inHeader, want string }{
		"of none":                      {"", "", ""},
		"of the message's":             {message, "", message},
		"of the header's":              {"", header, header},
		"of both, and the message's":   {message, header, message},
		"of a message's that is none":  {"00-4bf92f3577b34da6-00f067aa0ba902b7-01", header, header},
		"of one of zeroes":             {"", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		"of a version that is none":    {"ff" + message[2:], "", ""},
		"of one with more behind it":   {message + "-x", "", ""},
		"of one in upper case letters": {strings.ToUpper(message), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if c := trace.SpanContextFromContext(parent(tt.inMessage, tt.inHeader)); c.IsValid() {
				got = "00-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + c.TraceFlags().String()
			}
			if got != tt.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestOnlySomeOfTheCallsThatBeginATraceAreFollowed(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer web.Close()
	traces := followed(t, 0.01, web.URL, nil)
	defer traces.Close()
	n := 0
	for range 1000 {
		if call := traces.Begin(mcp.Followed{Method: "tools/call"}); call != nil {
			n++
		}
	}
	if n > 100 { // 10 are expected
		t.Errorf("%d of 1000 are followed", n)
	}
	if traces.Begin(mcp.Followed{Method: "tools/call", Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) == nil {
		t.Error("a call of a trace that is followed is not")
	}
	if traces.Begin(mcp.Followed{Method: "tools/call", Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}) != nil {
		t.Error("a call of a trace that is not followed is")
	}
}

// What a call that is followed costs: the spans of a call and of nine stages.
func BenchmarkACall(b *testing.B) {
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer web.Close()
	traces, err := New(context.Background(), Config{Endpoint: web.URL, Ratio: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer traces.Close()
	b.ReportAllocs()
	for b.Loop() {
		call := traces.Begin(mcp.Followed{DecisionID: "d", Method: "tools/call", Tool: "t", Known: true, RequestedBy: "token/ci", Persona: "reader"})
		now := time.Now()
		for _, stage := range mcp.Stages {
			call.Stage(stage, now, now)
		}
		call.Decided("allowed")
		call.End("answered")
	}
}
