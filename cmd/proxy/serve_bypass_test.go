package main

import (
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

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// bypass is a request that some reader takes for a call of undocumented_tool,
// which is allowed to nobody. Sources: GHSA-wvj2-96wp-fq3f, GHSA-q382-vc8q-7jhj,
// GHSA-4gph-2hhr-5mwg, CVE-2026-26308, GHSA-89xv-2j6f-qhc8, docker/mcp-gateway #414 and #418.
type bypass struct {
	name, body string
	headers    []string
}

const evil = "undocumented_tool"

var bypasses = []bypass{
	{"plain", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","arguments":{}}}`, nil},
	{"a second name", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","name":"undocumented_tool","arguments":{}}}`, nil},
	{"a second name, first", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","name":"containerize_app","arguments":{}}}`, nil},
	{"a second name, escaped", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","\u006eame":"undocumented_tool","arguments":{}}}`, nil},
	{"a name in another case", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","Name":"undocumented_tool","arguments":{}}}`, nil},
	{"a name with NUL", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","name\u0000":"undocumented_tool","arguments":{}}}`, nil},
	{"a name that folds", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","argument\u017f":{},"arguments":{"x":"undocumented_tool"}}}`, nil},
	{"a second method", `{"jsonrpc":"2.0","id":9,"method":"ping","method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"a method in another case", `{"jsonrpc":"2.0","id":9,"method":"ping","Method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"second params", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app"},"params":{"name":"undocumented_tool"}}`, nil},
	{"a batch", `[{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}]`, nil},
	{"a batch under 2025-03-26", `[{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}]`, []string{"Mcp-Protocol-Version: 2025-03-26"}},
	{"a second message on the line", `{"jsonrpc":"2.0","id":8,"method":"ping"}{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"a second message on a second line", "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"undocumented_tool\"}}", nil},
	{"a byte order mark", "\ufeff" + `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"as a notification", `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"under the id null", `{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"as an answer with a method", `{"jsonrpc":"2.0","id":9,"result":{},"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"as a task", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","task":{"ttl":1}}}`, nil},
	{"as a method of tasks", `{"jsonrpc":"2.0","id":9,"method":"tasks/result","params":{"taskId":"undocumented_tool"}}`, nil},
	{"with a header that names another", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: containerize_app"}},
	{"with a header that hides the method", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list"}},
	{"as a retry that names another tool", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","inputResponses":{"a":{}},"requestState":"allowed","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: undocumented_tool"}},
	{"two names in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: containerize_app", "+Mcp-Name: undocumented_tool"}},
	{"in another charset", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Content-Type: application/json; charset=utf-16"}},
	{"as a form", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Content-Type: text/plain"}},
	{"said to be compressed", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Content-Encoding: gzip"}},
	{"under another method", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"X-Http-Method-Override: GET"}},
	{"invalid UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"undocumented_tool\",\"x\":\"\xff\"}}", nil},
	{"a lone surrogate", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","x":"\ud800"}}`, nil},
	{"depth", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`, nil},
	{"an unknown version", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Mcp-Protocol-Version: 2099-01-01"}},
}

// Whatever is tried, on either kind of upstream: nothing that was not judged
// reaches the server, and the session goes on.
func TestNothingUnjudgedReachesTheServer(t *testing.T) {
	for _, kind := range []string{"a command", "a URL"} {
		t.Run(kind, func(t *testing.T) {
			seen := filepath.Join(t.TempDir(), "seen")
			s := serveWith(t, "", func(self string) string {
				if kind == "a command" {
					return fmt.Sprintf("{command: [sh, -c, %q]}", "exec tee -a "+seen+" | exec "+self+" demo-server")
				}
				return fmt.Sprintf("{urls: [{url: %q, credentials: {listen: %q, token_file: %q}}]}", recording(t, seen), loopbackPort(t), filepath.Join(t.TempDir(), "token"))
			})
			session := s.hello(t, "reader")
			for _, b := range bypasses {
				status, _ := s.post(t, "reader", b.body, append([]string{"Mcp-Session-Id: " + session}, b.headers...)...)
				if status >= 500 {
					t.Errorf("%s: status %d", b.name, status)
				}
			}
			// Chunked, and in as many pieces as there are bytes.
			s.chunked(t, session, bypasses[1].body)
			if status, body := s.post(t, "reader", `{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv/last","port":80}}}`, "Mcp-Session-Id: "+session); status != 200 {
				t.Errorf("the session does not go on: %d %s", status, body)
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
