package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/testkit"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Whatever is tried, by either transport and on either kind of upstream: nothing that was
// not judged reaches the server, and the session goes on.
func TestNothingUnjudgedReachesTheServer(t *testing.T) {
	t.Parallel()
	for _, front := range []string{"HTTP", "stdio"} {
		for _, kind := range []string{"a command", "a URL"} {
			t.Run(front+" to "+kind, func(t *testing.T) {
				seen := filepath.Join(t.TempDir(), "seen")
				upstream := func(self string) string {
					if kind == "a command" {
						return fmt.Sprintf("{command: [sh, -c, %q]}", "exec tee -a "+seen+" | exec "+self+" demo-server")
					}
					return fmt.Sprintf("{urls: [{url: %q, credentials: {listen: %q, token_file: %q}}]}", recording(t, seen), testkit.FreeAddress(t), filepath.Join(t.TempDir(), "token"))
				}
				if front == "HTTP" {
					bypassOverHTTP(t, serveWith(t, "", upstream))
				} else {
					bypassOverStdio(t, wrapWith(t, upstream))
				}
				// The server can answer what its recorder has not written yet; what
				// is recorded is recorded in order.
				reached := eventually(t, seen, "/srv/last")
				if i := bytes.Index(reached, []byte(evil)); i >= 0 {
					t.Errorf("it reached the server: %s", reached[max(i-200, 0):min(i+100, len(reached))])
				}
			})
		}
	}
}

// lastCall is allowed.
const lastCall = `{"jsonrpc":"2.0","id":"last","method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv/last","port":80}}}`

func bypassOverHTTP(t *testing.T, s *served) {
	session := s.hello(t, "reader")
	for _, b := range bypasses {
		status, _ := s.post(t, "reader", b.body, append([]string{"Mcp-Session-Id: " + session}, b.headers...)...)
		if status >= 500 {
			t.Errorf("%s: status %d", b.name, status)
		}
	}
	// Chunked, and in as many pieces as there are bytes.
	s.chunked(t, session, bypasses[1].body)
	if status, body := s.post(t, "reader", lastCall, "Mcp-Session-Id: "+session); status != 200 {
		t.Errorf("the session does not go on: %d %s", status, body)
	}
}

// bypassOverStdio sends the bodies alone: there are no headers. One in two lines is two messages.
func bypassOverStdio(t *testing.T, c *plainClient) {
	c.say(hello)
	for _, b := range bypasses {
		c.say(b.body)
	}
	c.say(lastCall)
	for {
		select {
		case h := <-c.hears:
			if strings.Contains(h.message, `"id":"last"`) {
				if !strings.Contains(h.message, `"result"`) || strings.Contains(h.message, "Refused") {
					t.Errorf("the session does not go on: %s", h.message)
				}
				return
			}
		case <-time.After(time.Minute):
			t.Fatal("the session does not go on")
		}
	}
}

// wrapWith starts wrap for a reader in front of an upstream.
func wrapWith(t *testing.T, upstream func(self string) string) *plainClient {
	t.Helper()
	self, dir := binary(t), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "config.yaml"), fmt.Appendf(nil, `version: 1
aws: {region: us-east-1}
upstream: %s
personas:
  reader: {identity: [read-only-monitoring], boundary: [region-and-production], role: "arn:aws:iam::123456789012:role/reader"}
principals: [{match: {kind: os-user}, persona: reader}]
audit: {file: audit.jsonl}
`, upstream(self)), 0o600))
	return overStdio(t, dir, self, "wrap", "--config", "config.yaml")
}

// A list is filtered on a stream that its reader takes up again, too.
func TestAResumedStreamHoldsTheFilteredListAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	corpusFile := filepath.Join(dir, "corpus")
	must(t, os.WriteFile(corpusFile, []byte(`> {"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
< {"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}

> {"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"progressToken":"t"}}}
< {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}
< {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"undocumented_tool","inputSchema":{"type":"object"}},{"name":"containerize_app","inputSchema":{"type":"object"}}]}}
< {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"undocumented_tool","inputSchema":{"type":"object"}}]}}
`), 0o600))
	said, err := readCorpus(corpusFile, "2025-11-25")
	must(t, err)
	for _, kind := range []string{"a command", "a URL"} {
		t.Run(kind, func(t *testing.T) {
			record := filepath.Join(t.TempDir(), "heard")
			s := serveWith(t, "", func(string) string {
				if kind == "a command" {
					strange := filepath.Join(t.TempDir(), "strange-server")
					must(t, os.Symlink(binaryFile(t), strange))
					return fmt.Sprintf("{command: [%q, %q, %q, %q]}", strange, corpusFile, "2025-11-25", record)
				}
				return fmt.Sprintf("{urls: [{url: %q, credentials: {listen: %q, token_file: %q}}]}", serveStrange(t, said, record), testkit.FreeAddress(t), filepath.Join(t.TempDir(), "token"))
			})
			session := s.hello(t, "reader")
			response, err := http.DefaultClient.Do(s.request(t, "reader", said[1].heard.with(nil), "Mcp-Session-Id: "+session))
			must(t, err)
			first, _ := nextEvent(t, bufio.NewReader(response.Body))
			response.Body.Close() // the reader goes before the list, or is about to
			for _, from := range []string{first, strings.TrimSuffix(first, "-0") + "-1", ""} {
				r := s.request(t, "reader", "", "Mcp-Session-Id: "+session, "Last-Event-Id: "+from)
				r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0
				patience := 5 * time.Second
				if from == first { // which ends with the list
					patience = time.Minute
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				resumed, err := http.DefaultClient.Do(r.WithContext(ctx))
				must(t, err)
				body, _ := io.ReadAll(resumed.Body) // ends with the stream, or with the time for one that has no end
				resumed.Body.Close()
				cancel()
				if strings.Contains(string(body), evil) {
					t.Errorf("taken up at %q: %s", from, body)
				}
				if from == first && !strings.Contains(string(body), `"tools":[{"name":"containerize_app"`) {
					t.Errorf("taken up at %q, there is no list: %s %s", from, resumed.Status, body)
				}
			}
		})
	}
}

// nextEvent reads one event.
func nextEvent(t *testing.T, from *bufio.Reader) (id, data string) {
	t.Helper()
	for {
		line, err := from.ReadString('\n')
		must(t, err)
		line = strings.TrimSuffix(line, "\n")
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = text
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			data = text
		}
		if line == "" && data != "" {
			return id, data
		}
	}
}

// eventually returns what a file holds once that includes text.
func eventually(t *testing.T, file, text string) []byte {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		held, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(held, []byte(text)) {
			return held
		}
		if time.Now().After(deadline) {
			t.Fatalf("not even what is allowed reached the server: %s", held)
		}
	}
}

// recording is a server over HTTP that writes down every body and the headers
// that name what is called.
func recording(t *testing.T, file string) (url string) {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "recording", Version: "1"}, nil)
	for _, name := range []string{evil, "containerize_app"} {
		server.AddTool(&mcp.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object"}`)}, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{}, nil
		})
	}
	handlers := map[bool]http.Handler{}
	for _, stateless := range []bool{true, false} {
		handlers[stateless] = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless})
	}
	f, err := os.Create(file)
	must(t, err)
	var mu sync.Mutex
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		fmt.Fprintf(f, "%s %s %s\n", r.Header.Get("Mcp-Method"), r.Header.Get("Mcp-Name"), body)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		handlers[r.Header.Get("Mcp-Protocol-Version") >= "2026"].ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
		f.Close()
	})
	return web.URL
}

// hello opens a session of an earlier version and returns its id.
func (s *served) hello(t *testing.T, id string) string {
	t.Helper()
	r := s.request(t, id, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", response.Status, body)
	}
	return response.Header.Get("Mcp-Session-Id")
}

func (s *served) request(t *testing.T, id, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token(id))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		switch {
		case value == "":
			r.Header.Del(name)
		case strings.HasPrefix(name, "+"):
			r.Header.Add(name[1:], value)
		default:
			r.Header.Set(name, value)
		}
	}
	return r
}

func (s *served) post(t *testing.T, id, body string, headers ...string) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(s.request(t, id, body, headers...))
	must(t, err)
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(b)
}

// chunked sends a body byte for byte.
func (s *served) chunked(t *testing.T, session, body string) {
	t.Helper()
	r := s.request(t, "reader", "", "Mcp-Session-Id: "+session)
	read, write := io.Pipe()
	r.Body, r.ContentLength = read, -1
	go func() {
		for i := range len(body) {
			if _, err := io.WriteString(write, body[i:i+1]); err != nil {
				return
			}
		}
		write.Close()
	}()
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("chunked: %s", response.Status)
	}
}
