package streamable

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// converse answers every request; "slow" never, "progress" after progress and a
// question, "notify" after a notification that belongs to nothing, "ask" after a
// question of the proxy's own about the first that was slow, which it withdraws.
func converse(_ context.Context, principal authz.Principal, to Client) {
	var slow wire.ID
	gone := make(chan struct{})
	say := func(format string, values ...any) { to.Send(fmt.Appendf(nil, format, values...), nil) }
	to.Begin(func(_ []byte, m *wire.Message, _ error) {
		if m.Method == "notifications/cancelled" {
			say("%s", wire.Cancel(wire.OwnID("x", m.RequestID), "cancelled"))
		}
		if m.Kind != wire.Request {
			return
		}
		switch m.Method {
		case "slow":
			if slow.IsZero() {
				slow = m.ID
			}
			return
		case "ask":
			to.Send(wire.Elicit(wire.OwnID("x", slow), "Really?"), nil)
			to.Send(wire.Cancel(wire.OwnID("x", slow), "late"), nil)
		case "progress":
			say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":1}}`, m.ProgressToken)
			say(`{"jsonrpc":"2.0","id":77,"method":"elicitation/create","params":{}}`)
		case "large":
			say(`{"jsonrpc":"2.0","id":%s,"result":{"text":%q}}`, m.ID, strings.Repeat("x", 3<<20))
			return
		case "notify":
			say(`{"jsonrpc":"2.0","method":"notifications/message","params":{}}`)
		}
		say(`{"jsonrpc":"2.0","id":%s,"result":{"who":%q}}`, m.ID, principal.ID)
	}, func() { close(gone) })
	<-gone
}

// serving starts a server whose users name themselves in Authorization.
func serving(t *testing.T, change func(*Config)) (*Server, string) {
	t.Helper()
	config := Config{Path: "/mcp", Talk: converse, Sessions: 3, Idle: time.Hour, Quota: Quota{Sessions: 10, Concurrency: 10, Rate: 1000, Burst: 1000},
		Identify: func(r *http.Request) (authz.Principal, *Refusal) {
			if name := r.Header.Get("Authorization"); name != "" {
				return authz.Principal{Kind: "test", ID: name}, nil
			}
			return authz.Principal{}, &Refusal{Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {"Bearer"}}, Why: "no token"}
		},
		Unreadable: func(_ authz.Principal, err error) []byte {
			return wire.ErrorResponse(wire.ID{}, wire.CodeParse, err.Error(), nil)
		}}
	if change != nil {
		change(&config)
	}
	s := New(config)
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		web.CloseClientConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Close(ctx)
		web.Close()
	})
	return s, web.URL + "/mcp"
}

// send makes a request; headers are "Name: value".
func send(t *testing.T, method, url, body string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Authorization", "alice")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		switch {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		case strings.HasPrefix(name, "+"):
			r.Header.Add(name[1:], value)
		default:
			r.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`

// begin opens a session and returns its header.
func begin(t *testing.T, url string) string {
	t.Helper()
	response := send(t, "POST", url, hello)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("initialize: %s", response.Status)
	}
	io.Copy(io.Discard, response.Body)
	return "Mcp-Session-Id: " + response.Header.Get("Mcp-Session-Id")
}

// hang makes a request that is never answered; its stream is open when it returns.
// It says whether there is such a session.
func hang(t *testing.T, url, session string) bool {
	t.Helper()
	return send(t, "POST", url, `{"jsonrpc":"2.0","id":1,"method":"slow"}`, session).StatusCode == http.StatusOK
}

// events reads n events, as "ID DATA".
func events(t *testing.T, response *http.Response, n int) (got []string) {
	t.Helper()
	lines := bufio.NewScanner(response.Body)
	id := ""
	for len(got) < n && lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			got = append(got, id+" "+v)
		}
	}
	if len(got) < n {
		t.Fatalf("%d events, want %d: %q", len(got), n, got)
	}
	return got
}

// A question of the proxy's own comes where the call that it is about was made,
// however many others were made since.
func TestAQuestionAboutACallComesOnItsStream(t *testing.T) {
	_, url := serving(t, nil)
	session := begin(t, url)
	about := send(t, "POST", url, `{"jsonrpc":"2.0","id":"a\"/1","method":"slow"}`, session)
	send(t, "POST", url, `{"jsonrpc":"2.0","id":2,"method":"slow"}`, session)
	if got := events(t, send(t, "POST", url, `{"jsonrpc":"2.0","id":3,"method":"ask"}`, session), 1); !strings.Contains(got[0], `"id":3`) {
		t.Errorf("the request after it got %q", got)
	}
	got := events(t, about, 2)
	if !strings.Contains(got[0], "elicitation/create") || !strings.Contains(got[1], "notifications/cancelled") {
		t.Errorf("got %q", got)
	}
	// Who cancelled the call does not read its stream any more.
	send(t, "POST", url, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a\"/1"}}`, session)
	if got := events(t, send(t, "GET", url, "", session), 1); !strings.Contains(got[0], `"reason":"cancelled"`) {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsNotMadeForThisServerIsRefused(t *testing.T) {
	_, url := serving(t, nil)
	tests := []struct {
		name, method, url, body string
		headers                 []string
		want                    int
	}{
		{"the form of a browser", "POST", url, hello, []string{"Content-Type: text/plain"}, 415},
		{"no content type", "POST", url, hello, []string{"Content-Type: "}, 415},
		{"another charset", "POST", url, hello, []string{"Content-Type: application/json; charset=utf-7"}, 415},
		{"a compressed body", "POST", url, hello, []string{"Content-Encoding: gzip"}, 415},
		{"a rebound name", "POST", url, hello, []string{"Host: evil.example"}, 403},
		{"a page of another site", "POST", url, hello, []string{"Origin: https://evil.example"}, 403},
		{"a page without an origin", "POST", url, hello, []string{"Origin: null"}, 403},
		{"two origins", "POST", url, hello, []string{"Origin: http://localhost", "+Origin: https://evil.example"}, 403},
		{"a navigation from another site", "GET", url, "", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"two tokens", "POST", url, hello, []string{"+Authorization: bob"}, 400},
		{"two session ids", "POST", url, hello, []string{"+Mcp-Session-Id: a", "+Mcp-Session-Id: b"}, 400},
		{"nobody", "POST", url, hello, []string{"Authorization: "}, 401},
		{"another path", "POST", url + "/x", hello, nil, 404},
		{"another method", "PUT", url, hello, nil, 405},
		{"a call without a session", "POST", url, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, nil, 400},
		{"a session that never was", "POST", url, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, []string{"Mcp-Session-Id: guessed"}, 404},
		{"two readings", "POST", url, `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, nil, 400},
		{"a batch", "POST", url, "[" + hello + "]", nil, 400},
		{"a line break in a string", "POST", url, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\nng\"}", nil, 400},
		{"a second message on a second line", "POST", url, hello + "\n" + hello, nil, 400},
		{"a GET that takes no events", "GET", url, "", []string{"Accept: application/json"}, 406},
		{"the same site", "POST", url, hello, []string{"Origin: " + strings.TrimSuffix(url, "/mcp")}, 200},
		{"several lines", "POST", url, "{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": 0, \"method\": \"initialize\"\n}\n", nil, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := send(t, tt.method, tt.url, tt.body, tt.headers...); got.StatusCode != tt.want {
				b, _ := io.ReadAll(got.Body)
				t.Errorf("%s, want %d\n%s", got.Status, tt.want, b)
			}
		})
	}
}

func TestASessionBelongsToItsPrincipal(t *testing.T) {
	_, url := serving(t, nil)
	session := begin(t, url)
	ping := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for _, method := range []string{"POST", "GET", "DELETE"} {
		if got := send(t, method, url, ping, session, "Authorization: mallory"); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s of another principal: %s, want 404", method, got.Status)
		}
	}
	if got := events(t, send(t, "POST", url, ping, session), 1)[0]; !strings.Contains(got, `"who":"alice"`) {
		t.Errorf("its own got %s", got)
	}
	if got := send(t, "DELETE", url, "", session); got.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %s", got.Status)
	}
}

func TestEachAnswerGoesToItsOwnRequest(t *testing.T) {
	_, url := serving(t, nil)
	session := begin(t, url)
	response := send(t, "POST", url, `{"jsonrpc":"2.0","id":"a","method":"progress","params":{"_meta":{"progressToken":9007199254740993}}}`, session)
	got := events(t, response, 3)
	for i, want := range []string{`"progressToken":9007199254740993`, "elicitation/create", `"id":"a"`} {
		if !strings.Contains(got[i], want) {
			t.Errorf("event %d is %s, want %s", i, got[i], want)
		}
	}
	// A client that takes no events gets the answer alone.
	b, err := io.ReadAll(send(t, "POST", url, `{"jsonrpc":"2.0","id":2,"method":"notify"}`, session, "Accept: application/json").Body)
	if err != nil || string(b) != `{"jsonrpc":"2.0","id":2,"result":{"who":"alice"}}` {
		t.Errorf("got %s, %v", b, err)
	}
	// What belongs to no request goes to the GET.
	if got := events(t, send(t, "GET", url, "", session), 1)[0]; !strings.Contains(got, "notifications/message") {
		t.Errorf("the GET got %s", got)
	}
	if got := send(t, "POST", url, `{"jsonrpc":"2.0","id":77,"result":{}}`, session); got.StatusCode != http.StatusAccepted {
		t.Errorf("the answer to a question: %s", got.Status)
	}
}

func TestALostConnectionIsTakenUpWhereItBroke(t *testing.T) {
	_, url := serving(t, nil)
	session := begin(t, url)
	response := send(t, "POST", url, `{"jsonrpc":"2.0","id":1,"method":"progress","params":{"_meta":{"progressToken":1}}}`, session)
	first := events(t, response, 1)[0]
	response.Body.Close()
	id, _, _ := strings.Cut(first, " ")
	rest := events(t, send(t, "GET", url, "", session, "Last-Event-Id: "+id), 2)
	if !strings.Contains(rest[0], "elicitation/create") || !strings.Contains(rest[1], `"id":1`) {
		t.Errorf("then came %q", rest)
	}
	if got := send(t, "GET", url, "", session, "Last-Event-Id: elsewhere-1"); got.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown event: %s", got.Status)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	_, url := serving(t, nil)
	for range 3 {
		begin(t, url)
	}
	if got := send(t, "POST", url, hello); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one session too many: %s", got.Status)
	}
}

func TestSessionsAreClosedWhenNobodyUsesThem(t *testing.T) {
	s, url := serving(t, func(c *Config) { c.Sessions, c.Quota.Sessions, c.Idle = 100, 100, 2*time.Second })
	begin(t, url)
	begin(t, url)
	waiting := begin(t, url)
	for tries := 0; !hang(t, url, waiting); waiting = begin(t, url) { // it was closed already if the machine stood still
		if tries++; tries > 10 {
			t.Fatal("a session is closed at once")
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s.mu.Lock()
		n := len(s.sessions)
		s.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are left, want the one that waits", n)
		}
	}
	if got := send(t, "POST", url, `{"jsonrpc":"2.0","id":2,"method":"ping"}`, waiting); got.StatusCode != http.StatusOK {
		t.Errorf("the one that waits: %s", got.Status)
	}
}

func TestAnIdInUseIsRefusedAndItsAnswerNotStolen(t *testing.T) {
	_, url := serving(t, nil)
	session := begin(t, url)
	hang(t, url, session)
	if got := send(t, "POST", url, `{"jsonrpc":"2.0","id":1.0,"method":"ping"}`, session); got.StatusCode != http.StatusBadRequest {
		t.Errorf("two requests have one id: %s", got.Status)
	}
}

// Whatever arrives: no session for nobody, and nothing but a status.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "/mcp", hello, "application/json", "localhost", "", "")
	f.Add("GET", "/mcp", "", "", "127.0.0.1:80", "http://localhost", "a-1")
	f.Add("POST", "/mcp", `[]`, "application/json;charset=utf-8", "[::1]", "null", "-")
	s := New(Config{Path: "/mcp", Talk: converse, Sessions: 1 << 30, Idle: time.Hour,
		Identify: func(*http.Request) (authz.Principal, *Refusal) {
			return authz.Principal{}, &Refusal{Status: 401, Why: "nobody"}
		}})
	f.Fuzz(func(t *testing.T, method, path, body, media, host, origin, last string) {
		r := &http.Request{Method: method, Host: host, Header: http.Header{"Content-Type": {media}, "Origin": {origin}, "Last-Event-Id": {last}, "Accept": {"*/*"}},
			Body: io.NopCloser(strings.NewReader(body))}
		r.URL = httptest.NewRequest("GET", "/mcp", nil).URL
		r.URL.Path = path
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code < 400 || len(s.sessions) != 0 {
			t.Errorf("status %d, %d sessions", w.Code, len(s.sessions))
		}
	})
}
