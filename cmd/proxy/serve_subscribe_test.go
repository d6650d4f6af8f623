package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// resources is a server of MCP 2026-07-28 that tells whoever listens that each
// resource they named has changed, and says what it was asked.
func resources(t *testing.T) (url string, asked chan []string) {
	t.Helper()
	asked = make(chan []string, 10)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			ID     json.RawMessage
			Method string
			Params struct {
				Notifications struct{ ResourceSubscriptions []string }
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &m) != nil || m.Method != "subscriptions/listen" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		asked <- m.Params.Notifications.ResourceSubscriptions
		w.Header().Set("Content-Type", "text/event-stream")
		const about = `"_meta":{"io.modelcontextprotocol/subscriptionId":%s}`
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":{},"+about+"}}\n\n", m.ID)
		for _, uri := range m.Params.Notifications.ResourceSubscriptions {
			fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":%q,"+about+"}}\n\n", uri, m.ID)
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	return web.URL, asked
}

// A client of serve is told of the resources that it may read, and of no others.
func TestServeDecidesWhoIsToldOfAResource(t *testing.T) {
	t.Parallel()
	url, asked := resources(t)
	document := filepath.Join(t.TempDir(), "reads-a.json")
	must(t, os.WriteFile(document, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"mcp:ReadResource","Resource":"arn:ecs-mcp-proxy:mcp:::awslabs.ecs-mcp-server/resource/file%3A%2F%2F%2Fa"}]}`), 0o600))
	s := serveMore(t, more{
		personas:   fmt.Sprintf("  listener: {identity: [read-only-monitoring], boundary: [region-and-production], mcp: [%q], role: ROLE}\n", document),
		principals: "  - {match: {kind: anonymous}, persona: listener}\n",
		auth:       ", anonymous: somebody",
		upstream:   func(string) string { return fmt.Sprintf("{urls: [{url: %q}]}", url) },
		top:        "credentials: {delivery: none}\n",
	})
	listen := func(uris string) *http.Response {
		t.Helper()
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":"mine","method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":%s},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, uris)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
		must(t, err)
		for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
			"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"} {
			r.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(r)
		must(t, err)
		t.Cleanup(func() { response.Body.Close() })
		return response
	}

	told := bufio.NewScanner(listen(`["file:///a"]`).Body)
	for _, want := range []string{"notifications/subscriptions/acknowledged", `notifications/resources/updated","params":{"uri":"file:///a"`} {
		for told.Scan() && !strings.HasPrefix(told.Text(), "data: {") {
		}
		if !strings.Contains(told.Text(), want) || !strings.Contains(told.Text(), `"io.modelcontextprotocol/subscriptionId":"mine"`) {
			t.Fatalf("the client is told %s (%v), want %s", told.Text(), told.Err(), want)
		}
	}
	if got := <-asked; !slices.Equal(got, []string{"file:///a"}) {
		t.Errorf("the server was asked for %q", got)
	}
	for _, uris := range []string{`["file:///b"]`, `["file:///a","file:///b"]`} {
		body, err := io.ReadAll(listen(uris).Body)
		must(t, err)
		if !strings.Contains(string(body), `"id":"mine","error"`) {
			t.Errorf("%s: the client is told %s", uris, body)
		}
	}
	select {
	case got := <-asked:
		t.Errorf("the server was asked for %q", got)
	default:
	}
	records := s.records(t)
	phases := []string{}
	for _, r := range records {
		if r.Input != nil && r.Input.Method == "subscriptions/listen" {
			phases = append(phases, r.Phase+" "+r.Class)
		}
	}
	if want := []string{audit.PhaseDecision + " allowed", audit.PhaseRefusal + " policy", audit.PhaseRefusal + " policy"}; !slices.Equal(phases, want) {
		t.Errorf("on record are %q, want %q", phases, want)
	}
}
