package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// served is a real server of the go-sdk with a tool that reports progress.
func served(t *testing.T) (web *httptest.Server, seen func() []http.Header) {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, nil)
	server.AddTool(&mcp.Tool{Name: "work", InputSchema: json.RawMessage(`{"type":"object"}`)}, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: 1}); err != nil {
			return nil, err
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done\nwith it"}}}, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	var headers []http.Header
	var mu sync.Mutex
	web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		headers = append(headers, r.Header.Clone())
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	return web, func() []http.Header {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(headers)
	}
}

const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// opened is a connection that the test speaks over.
type opened struct {
	*Server
	t     *testing.T
	lines chan string
}

func connect(t *testing.T, url string) *opened { return converse(t, Config{URL: url}) }

func converse(t *testing.T, c Config) *opened {
	t.Helper()
	s := Open(c)
	o := &opened{s, t, make(chan string, 100)}
	s.Begin(func(line []byte, _ *wire.Message, _ error) { o.lines <- string(line) }, func() {})
	t.Cleanup(func() { s.Stop(0) })
	return o
}

func (o *opened) say(line string) {
	o.t.Helper()
	if !o.Send([]byte(line), nil) {
		o.t.Fatal("it takes nothing any more")
	}
}

func (o *opened) hear() string {
	o.t.Helper()
	select {
	case line := <-o.lines:
		return line
	case <-time.After(time.Minute):
		o.t.Fatal("nothing came")
		return ""
	}
}

func (o *opened) wants(parts ...string) {
	o.t.Helper()
	line := o.hear()
	for _, p := range parts {
		if !strings.Contains(line, p) {
			o.t.Errorf("%s\ndoes not contain %s", line, p)
		}
	}
}

func TestAURLReadsAndWritesLines(t *testing.T) {
	web, seen := served(t)
	o := connect(t, web.URL)
	o.say(hello)
	o.wants(`"id":0`, `"serverInfo"`)
	o.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	o.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":"p"},"name":"work","arguments":{}}}`)
	o.wants("notifications/progress", `"progressToken":"p"`) // before the answer
	o.wants(`"id":1`, `done\nwith it`)
	if !o.Stop(time.Minute) {
		t.Error("it was stopped and says that it failed")
	}
	for _, h := range seen() {
		if h.Get("Authorization") != "" || h.Get("Cookie") != "" {
			t.Errorf("headers %v", h)
		}
	}
}

func TestWhatComesOnARequestsStreamIsAboutIt(t *testing.T) {
	web, _ := served(t)
	s, about := Open(Config{URL: web.URL}), make(chan string, 100)
	s.Begin(func(_ []byte, m *wire.Message, _ error) { about <- m.Method + m.About.String() }, func() {})
	t.Cleanup(func() { s.Stop(0) })
	o := &opened{s, t, about}
	o.say(hello)
	o.wants("0")
	o.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	o.say(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"progressToken":"p"},"name":"work","arguments":{}}}`)
	o.wants("notifications/progress7")
}

func TestAServerThatForgotTheSessionHasEnded(t *testing.T) {
	web, _ := served(t)
	o := connect(t, web.URL)
	o.say(hello)
	o.hear()
	o.mu.Lock()
	o.session = "forgotten"
	o.mu.Unlock()
	o.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if answer := o.hear(); !strings.Contains(answer, "it has forgotten the session, so the request was not performed; try again") {
		t.Errorf("the answer: %s", answer)
	}
	select {
	case <-o.Done():
	case <-time.After(time.Minute):
		t.Fatal("it lives on")
	}
	if o.Stop(0) {
		t.Error("it says that it ended by itself")
	}
}

func TestWhatIsNoAnswerIsAnErrorWithTheRequestsID(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
	}{
		{"a page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://169.254.169.254/", 307) }},
		{"an error without an id", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"go to http://evil.example"}}`)
		}},
		{"a stream that ends", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: {\"jsonrpc\":\"2.0\",\ndata: \"method\":\"notifications/message\"}\n\n")
		}},
		{"a line without end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat("x", 1<<20))); err != nil {
					return
				}
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(tt.answer))
			defer web.Close()
			o := connect(t, web.URL)
			o.say(`{"jsonrpc":"2.0","id":"x","method":"tools/list"}`)
			line := o.hear()
			if strings.Contains(line, "notifications/message") {
				line = o.hear()
			}
			if !strings.Contains(line, `"id":"x","error"`) || strings.Contains(line, "evil") || strings.Contains(line, "169.254") {
				t.Errorf("heard %s", line)
			}
		})
	}
}

func TestAServerThatIsNotThereIsSaidToBe(t *testing.T) {
	o := connect(t, "http://127.0.0.1:1")
	o.say(hello)
	o.wants(`"id":0,"error"`, "cannot be reached")
}

// Whatever a server sends, the lines that come of it are lines.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: {}\n\ndata:a\ndata: b\r\n\r\n: comment\nid: 1\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &Server{limits: wire.Limits{Bytes: 1 << 16}}
		_ = s.events(strings.NewReader(string(body)), func(line []byte) {
			if strings.ContainsAny(string(line), "\r\n") || len(line) > 1<<16 {
				t.Errorf("line %q", line)
			}
		})
	})
}

// The id of what was answered may be in use again.
func TestARequestIsAnsweredOnceIfItsStreamBreaksAfterTheAnswer(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer web.Close()
	o := connect(t, web.URL)
	o.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	o.wants(`"result"`)
	o.Stop(time.Minute)
	if len(o.lines) > 0 {
		t.Errorf("and then %s", o.hear())
	}
}

// Who is next on the server must not draw credentials while it works for another.
func TestWhichRequestsTheServerMayStillBeWorkingFor(t *testing.T) {
	const answer = `{"jsonrpc":"2.0","id":"x","result":{}}`
	tests := []struct {
		name    string
		answer  func(w http.ResponseWriter, r *http.Request)
		working bool
	}{
		{"answered as JSON", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, answer)
		}, false},
		{"answered in a stream", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: %s\n\n", answer)
		}, false},
		{"a stream that ends without the answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
		}, true},
		{"a stream that breaks", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, true},
		{"an answer that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, answer[:9])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, true},
		{"a connection that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, false},
		{"a gateway that gave up waiting", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) }, true},
		{"accepted, and no answer", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, true},
		{"a failure", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(tt.answer))
			defer web.Close()
			o := connect(t, web.URL)
			o.say(`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"work","arguments":{}}}`)
			line := o.hear()
			if got := o.Working(wire.NewID("x").Key()); got != tt.working {
				t.Errorf("working: %t", got)
			}
			if tt.working != strings.Contains(line, "may have taken effect") || !strings.Contains(line, `"id":"x"`) || strings.Contains(line, "127.0.0.1") {
				t.Errorf("the client hears %s", line)
			}
		})
	}
	t.Run("a server that is not there", func(t *testing.T) {
		o := connect(t, "http://127.0.0.1:1")
		o.say(`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"work","arguments":{}}}`)
		o.wants(`"id":"x"`)
		if o.Working(wire.NewID("x").Key()) {
			t.Error("it is said to be working")
		}
	})
}
