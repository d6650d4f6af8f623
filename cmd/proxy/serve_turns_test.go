package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"
)

// One who makes a call, goes away and makes the next one waits for what a server may
// still do for the first, although another server is free, and another principal has that.
func TestServeLetsNobodyTakeEveryServerByGoingAway(t *testing.T) {
	t.Parallel()
	reached, left := make(chan string, 10), make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			ID     json.RawMessage
			Params struct {
				Arguments struct {
					Operation string `json:"api_operation"`
				}
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &m) != nil {
			return
		}
		reached <- m.Params.Arguments.Operation
		if m.Params.Arguments.Operation == "ListServices" { // and is at work for it who knows how long
			<-r.Context().Done()
			close(left)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}}`, m.ID)
	}))
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	lane := func(path string) string {
		return fmt.Sprintf("{url: %q, credentials: {listen: %q, token_file: %q}}", web.URL+path, testkit.FreeAddress(t), filepath.Join(t.TempDir(), "token"))
	}
	s := serveWith(t, "limits: {cancel_grace: 1s}\n"+withAdmin+"\n", func(string) string { return "{urls: [" + lane("/one") + ", " + lane("/two") + "]}" })
	call := func(ctx context.Context, id, operation, params string) (string, error) {
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ecs_resource_management","arguments":{"api_operation":%q,"api_params":%s},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, operation, params)
		r := s.request(t, id, body, "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: ecs_resource_management").WithContext(ctx)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		return string(b), err
	}
	reads := func() {
		t.Helper()
		if got, err := call(t.Context(), "reader", "ListClusters", "{}"); err != nil || !strings.Contains(got, "done") {
			t.Fatalf("the other principal: %s %v", got, err)
		}
		if got := <-reached; got != "ListClusters" {
			t.Fatalf("the servers got %s", got)
		}
	}
	reads()
	ctx, goes := context.WithCancel(t.Context())
	go func() { _, _ = call(ctx, "ci", "ListServices", `{"cluster":"staging"}`) }()
	if got := <-reached; got != "ListServices" {
		t.Fatalf("the servers got %s", got)
	}
	goes()
	select {
	case <-left:
	case <-time.After(time.Minute):
		t.Fatal("the server is not told that nobody waits")
	}
	next, end := context.WithCancel(t.Context())
	defer end()
	go func() { _, _ = call(next, "ci", "ListTasks", `{"cluster":"staging"}`) }()
	becomes(t, "http://"+s.admin(t)+"/metrics", 200, `ecs_mcp_proxy_lanes{state="waiting"} 1`)
	for range 3 {
		reads()
	}
}
