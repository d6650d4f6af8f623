package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is an OTLP receiver: it decodes every request as one does.
type collector struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	status int // that it answers; 0 takes everything
	header http.Header
	raw    bytes.Buffer
	spans  []*tracepb.Span
}

func collect(t *testing.T) *collector {
	c := &collector{t: t}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != 0 {
		w.WriteHeader(c.status)
		return
	}
	data := new(tracepb.TracesData)
	if err == nil {
		err = proto.Unmarshal(body, data)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("the collector got %s %s: %v", r.URL, r.Header, err)
	}
	c.header = r.Header
	c.raw.Write(body)
	for _, resource := range data.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

func (c *collector) answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// shown is what came with the last request.
func (c *collector) shown() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header
}

// head is the head of the audit log that came last; empty if none did.
func (c *collector) head() (head string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		if span.GetName() == "audit head" {
			head = span.GetAttributes()[0].GetValue().GetStringValue()
		}
	}
	return head
}

func (c *collector) bytes() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}

// followed is a call as the collector has it.
type followed struct {
	*tracepb.Span
	attributes map[string]string
	stages     []string
}

// calls waits until the collector has as many calls and returns them by their decision's id.
func (c *collector) calls(n int) map[string]followed {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		calls := c.had()
		if len(calls) == n {
			return calls
		}
		if len(calls) > n || time.Now().After(end) {
			c.t.Fatalf("the collector has %d calls, want %d", len(calls), n)
		}
	}
}

func (c *collector) had() map[string]followed {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, byID := map[string]followed{}, map[string]string{}
	for _, s := range c.spans {
		f := followed{Span: s, attributes: map[string]string{}}
		for _, a := range s.GetAttributes() {
			f.attributes[a.GetKey()] = a.GetValue().GetStringValue()
		}
		if id := f.attributes["ecsmcp.decision_id"]; id != "" {
			if _, twice := calls[id]; twice {
				c.t.Errorf("there are two spans of decision %s", id)
			}
			calls[id], byID[string(s.GetSpanId())] = f, id
		}
	}
	for _, s := range c.spans { // a stage may come in an earlier batch than its call
		id, ok := byID[string(s.GetParentSpanId())]
		if !ok {
			continue
		}
		f := calls[id]
		if !bytes.Equal(s.GetTraceId(), f.GetTraceId()) || s.GetStartTimeUnixNano() < f.GetStartTimeUnixNano() || s.GetEndTimeUnixNano() > f.GetEndTimeUnixNano() {
			c.t.Errorf("the stage %s is not within its call", s.GetName())
		}
		f.stages = append(f.stages, s.GetName())
		calls[id] = f
	}
	return calls
}
