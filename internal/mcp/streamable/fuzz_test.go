package streamable

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// upstream is a conversation that writes down what reaches it and answers every request.
type upstream struct {
	mu    sync.Mutex
	lines []string
}

func (u *upstream) talk(_ context.Context, _ authz.Principal, client Client) {
	gone := make(chan struct{})
	client.Begin(func(line []byte, m *wire.Message, _ error) {
		u.mu.Lock()
		u.lines = append(u.lines, string(line))
		u.mu.Unlock()
		if m.Kind == wire.Request {
			client.Send(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{}}`, m.ID), nil)
		}
	}, func() { close(gone) })
	<-gone
}

// reached are the lines since it was asked last, without barriers.
func (u *upstream) reached() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	lines := slices.DeleteFunc(u.lines, func(line string) bool { return strings.Contains(line, barrier) })
	u.lines = nil
	return lines
}

// barrier is the method of a request behind which nothing earlier is on its way.
const barrier = "no/such/barrier"

// written is a recorder that can be written to for ever.
type written struct{ *httptest.ResponseRecorder }

func (written) SetWriteDeadline(time.Time) error { return nil }

// front is a server whose every client is alice, with a session of hers.
type front struct {
	*Server
	upstream *upstream
	session  *session
}

func newFront() *front {
	f := &front{upstream: new(upstream)}
	f.Server = New(Config{Path: "/mcp", Talk: f.upstream.talk, Sessions: 100, Idle: time.Hour, Quota: Quota{Sessions: 100, Concurrency: 1000, Rate: 1 << 30, Burst: 1 << 30},
		Identify: func(*http.Request) (authz.Principal, *Refusal) {
			return authz.Principal{Kind: "test", ID: "alice"}, nil
		},
		Unreadable: func(authz.Principal, error) []byte { return []byte(`{}`) }})
	return f
}

// begin makes sure that there is a session, and that there is no other.
func (f *front) begin(t testing.TB) {
	f.mu.Lock()
	var over []*session
	for _, s := range f.sessions {
		if s != f.session && !slices.Contains(valuesOf(f.stateless), s) {
			s.close()
			over = append(over, s)
		}
	}
	f.mu.Unlock()
	for _, s := range over {
		<-s.ended
	}
	if f.session != nil {
		select {
		case <-f.session.ended:
		default:
			return
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	opened, _, why := f.open(authz.Principal{Kind: "test", ID: "alice"}, false, func() {})
	if opened == nil {
		t.Fatal(why)
	}
	f.session = opened
}

func valuesOf(m map[string]*session) (all []*session) {
	for _, s := range m {
		all = append(all, s)
	}
	return all
}

// settle waits until whatever was said on any session has reached the upstream.
func (f *front) settle() {
	f.mu.Lock()
	var open []*session
	for _, s := range f.sessions {
		open = append(open, s)
	}
	f.mu.Unlock()
	for _, s := range open {
		m, err := wire.ReadClient([]byte(`{"jsonrpc":"2.0","id":"barrier","method":"`+barrier+`"}`), wire.Limits{})
		if err != nil {
			panic(err)
		}
		if st := s.expect(m, Came{}, nil); st != nil && s.say(m) {
			st.only(context.Background())
		}
	}
}

// FuzzFront: whatever a client that is let in sends, the answer is a status below 500, and what
// reaches the upstream is the one message that the strict reader finds in the body of a
// POST, whose headers stand there once and agree with it.
// Sources: GHSA-wvj2-96wp-fq3f, GHSA-q382-vc8q-7jhj, CVE-2026-26308, GHSA-89xv-2j6f-qhc8.
func FuzzFront(f *testing.F) {
	const call = `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"safe","arguments":{"a":1}}}`
	const modern = `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"safe","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":1}}}`
	const json, inSession, accept = "Content-Type: application/json\r\n", "Mcp-Session-Id: SESSION\r\n", "Accept: application/json, text/event-stream\r\n"
	for _, seed := range [][3]string{
		{"POST", json + accept, hello},
		{"POST", json + accept + inSession, call},
		{"POST", json + inSession, strings.Replace(call, `"name"`, `"name":"evil","name"`, 1)},
		{"POST", json + inSession, "[" + call + "]"},
		{"POST", json + inSession, call + "\n" + call},
		{"POST", json + inSession, strings.ReplaceAll(call, ",", ",\r\n")},
		{"POST", json + inSession, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}`},
		{"POST", json + inSession, `{"jsonrpc":"2.0","id":77,"result":{}}`},
		{"POST", json + inSession + "Mcp-Session-Id: SESSION\r\n", call},
		{"POST", "Content-Type: application/json; charset=utf-16\r\n" + inSession, call},
		{"POST", json + "Content-Encoding: gzip\r\n" + inSession, call},
		{"POST", json + accept + "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: safe\r\n", modern},
		{"POST", json + "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: =?base64?c2FmZQ==?=\r\nMcp-Param-X: 1\r\n", modern},
		{"POST", json + "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: evil\r\n", modern},
		{"POST", json + "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: initialize\r\n", hello},
		{"GET", accept + inSession + "Last-Event-Id: x-0\r\n", ""},
		{"GET", accept + inSession, call},
		{"DELETE", inSession, call},
		{"PUT", json + "Origin: http://evil.example\r\n", call},
		{"POST", json + "Host: evil.example\r\nTraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n" + inSession, call},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	front := newFront()
	for _, headers := range []string{json + inSession, json + "Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: safe\r\n"} {
		body := call
		if !strings.Contains(headers, "SESSION") {
			body = modern
		}
		if !front.send(f, http.MethodPost, headers, body) {
			f.Fatal("not even what is sound reaches the upstream")
		}
	}
	f.Fuzz(func(t *testing.T, method, headers, body string) { front.send(t, method, headers, body) })
}

// send has the front serve one request, and reports whether anything reached the upstream.
func (f *front) send(t testing.TB, method, headers, body string) bool {
	f.begin(t)
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.ReplaceAll(headers, "SESSION", f.session.id) + "\r\n"))).ReadMIMEHeader()
	if err != nil {
		return false // net/http would not have handed it on
	}
	host := "localhost"
	if given := header["Host"]; len(given) > 0 { // as net/http's server does it
		host = given[0]
		delete(header, "Host")
	}
	wait := time.Minute
	if method == http.MethodGet { // is not answered while it lasts
		wait = time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	r := (&http.Request{Method: method, Host: host, URL: &url.URL{Path: "/mcp"}, Header: http.Header(header), Body: io.NopCloser(strings.NewReader(body))}).WithContext(ctx)
	w := written{httptest.NewRecorder()}
	f.upstream.reached()
	f.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	f.settle()
	lines := f.upstream.reached()
	if len(lines) == 0 {
		return false
	}
	if len(lines) > 1 || method != http.MethodPost || w.Code >= 400 {
		t.Fatalf("status %d, and %s %q reached the upstream as %q", w.Code, method, body, lines)
	}
	judged(t, r, body, lines[0])
	return true
}

// judged fails unless the line is the message that the body holds and that the headers agree with.
func judged(t testing.TB, r *http.Request, body, line string) {
	t.Helper()
	for name, values := range r.Header {
		if strings.HasPrefix(name, "Mcp-") && !strings.HasPrefix(name, "Mcp-Param-") && len(values) > 1 || name == "Content-Type" && len(values) > 1 {
			t.Errorf("%s stands there %d times", name, len(values))
		}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		t.Errorf("what is encoded reached the upstream: %s", encoding)
	}
	want, err := wire.ReadClient([]byte(strings.NewReplacer("\r", " ", "\n", " ").Replace(body)), wire.Limits{})
	if err != nil {
		t.Fatalf("the reader does not take %q: %v", body, err)
	}
	got, err := wire.ReadClient([]byte(line), wire.Limits{})
	if err != nil {
		t.Fatalf("the reader does not take what reached the upstream, %q: %v", line, err)
	}
	if r.Header.Get("Mcp-Session-Id") == "" && want.ModernVersion {
		if r.Header.Get("Mcp-Method") != want.Method || r.Header.Get("Mcp-Protocol-Version") != want.Version {
			t.Errorf("the headers %v are not about %q", r.Header, body)
		}
		if name, ok := wire.DecodeHeader(r.Header.Get("Mcp-Name")); slices.Contains([]string{"tools/call", "prompts/get", "resources/read"}, want.Method) && (!ok || name != want.Name) {
			t.Errorf("the header Mcp-Name is %q and the body says %q", r.Header.Get("Mcp-Name"), want.Name)
		}
		want.Raw = want.Replace(got.ID, got.Token())
	}
	if string(want.Raw) != line {
		t.Errorf("%q reached the upstream as %q", body, line)
	}
}
