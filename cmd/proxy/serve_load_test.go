package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// crowd is many sessions of one user, over few connections.
type crowd struct {
	*served
	client        *http.Client
	authorization string
}

func (s *served) crowd(id string) *crowd {
	return &crowd{s, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}, "Bearer " + token(id)}
}

func (c *crowd) post(session, message string) (*http.Response, string, error) {
	r, err := http.NewRequest("POST", c.url, strings.NewReader(message))
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Authorization", c.authorization)
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	response, err := c.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// each does something n times, sixteen at a time; the first error ends the test.
func each(t *testing.T, n int, do func() error) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	places := make(chan struct{}, 16)
	for range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			if err := do(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = err
			}
		})
	}
	all.Wait()
	must(t, failed)
}

// open opens n sessions that are then idle.
func (c *crowd) open(t *testing.T, n int) (sessions []string) {
	t.Helper()
	var mu sync.Mutex
	each(t, n, func() error {
		response, body, err := c.post("", hello)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("initialize: %s %s", response.Status, body)
		}
		session := response.Header.Get("Mcp-Session-Id")
		mu.Lock()
		sessions = append(sessions, session)
		mu.Unlock()
		response, body, err = c.post(session, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
		if err == nil && response.StatusCode != http.StatusAccepted {
			err = fmt.Errorf("initialized: %s %s", response.Status, body)
		}
		return err
	})
	return sessions
}

// resident is the process's memory. Source: proc_pid_status(5).
func (s *served) resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	must(t, err)
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(b)
	if found == nil {
		t.Fatal("there is no VmRSS")
	}
	n, err := strconv.Atoi(string(found[1]))
	must(t, err)
	return n << 10
}

// The bounds are wide, because the machine is anybody's; bench measures.
func TestServeHoldsManyIdleSessionsAndRefusesMoreAtOnce(t *testing.T) {
	t.Parallel()
	upstream := mcp.NewServer(&mcp.Implementation{Name: "upstream", Version: "1"}, nil)
	upstream.AddTool(&mcp.Tool{Name: "ecs_resource_management", InputSchema: json.RawMessage(`{"type":"object"}`)},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "the clusters"}}}, nil
		})
	web := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return upstream }, nil))
	t.Cleanup(web.Close) // after serve has ended
	s := serveMore(t, more{
		upstream: func(string) string {
			return fmt.Sprintf("{urls: [{url: %q, credentials: {listen: %q, token_file: %q}}]}", web.URL, testkit.FreeAddress(t), filepath.Join(t.TempDir(), "token"))
		},
		top: "limits: {sessions: 2000, principal_sessions: 1500, rate: 100000, burst: 100000}\n"})
	before := s.resident(t)
	ci, reader := s.crowd("ci"), s.crowd("reader")
	ci.open(t, 1500)
	sessions := reader.open(t, 500)
	if each := (s.resident(t) - before) / 2000; each > mostPerSession {
		t.Errorf("an idle session takes %d bytes, more than %d", each, mostPerSession)
	} else {
		t.Logf("an idle session takes %d bytes", each)
	}
	for name, refused := range map[string]struct {
		*crowd
		status int
		names  string
	}{
		"one session more of who has his share": {ci, http.StatusTooManyRequests, "limits.principal_sessions"},
		"one session more than there may be":    {reader, http.StatusServiceUnavailable, "limits.sessions"},
	} {
		response, body, err := refused.post("", hello)
		must(t, err)
		if response.StatusCode != refused.status || !strings.Contains(body, refused.names) || response.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s %s %v", name, response.Status, body, response.Header)
		}
	}
	callers := sessions[:100]
	var all sync.WaitGroup
	for _, session := range callers {
		all.Go(func() {
			for id := range 3 {
				_, body, err := reader.post(session, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"ecs_resource_management","arguments":{"api_operation":"ListClusters","api_params":{}}}}`, id+1))
				if err != nil || !strings.Contains(body, "the clusters") {
					t.Errorf("a call among 100: %s %v", body, err)
				}
			}
		})
	}
	all.Wait()
}
