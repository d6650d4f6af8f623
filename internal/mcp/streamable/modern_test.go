package streamable

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// post is a request of 2026-07-28 with the headers that agree with it.
func post(id, method, name, more string) (body string, headers []string) {
	params := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"` + more + `}`
	headers = []string{"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: " + method}
	if name != "" {
		params = fmt.Sprintf(`"name":%q,`, name) + params
		headers = append(headers, "Mcp-Name: "+name)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":{%s}}`, id, method, params), headers
}

func TestHeadersThatDoNotAgreeWithTheBodyAreRefused(t *testing.T) {
	_, url := serving(t, nil)
	body, headers := post("1", "tools/call", "safe", "")
	tests := []struct {
		name    string
		headers []string
		status  int
		code    string
	}{
		{"all agree", nil, 200, ""},
		{"a name in base64", []string{"Mcp-Name: =?base64?c2FmZQ==?="}, 200, ""},
		{"another method", []string{"Mcp-Method: tools/list"}, 400, "-32020"},
		{"no method", []string{"Mcp-Method: "}, 400, "-32020"},
		{"another name", []string{"Mcp-Name: evil"}, 400, "-32020"},
		{"no name", []string{"Mcp-Name: "}, 400, "-32020"},
		{"base64 that is none", []string{"Mcp-Name: =?base64?c2FmZ!==?="}, 400, "-32020"},
		{"another version", []string{"Mcp-Protocol-Version: 2099-01-01"}, 400, "-32020"},
		{"no version", []string{"Mcp-Protocol-Version: "}, 400, "-32020"},
		{"two names", []string{"+Mcp-Name: evil"}, 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response := send(t, "POST", url, body, append(append([]string{}, headers...), tt.headers...)...)
			b := make([]byte, 4096)
			n, _ := response.Body.Read(b)
			if response.StatusCode != tt.status || !strings.Contains(string(b[:n]), tt.code) {
				t.Errorf("%s: %s", response.Status, b[:n])
			}
		})
	}
}

// Source: MCP 2026-07-28, extension io.modelcontextprotocol/tasks: routing headers.
func TestTheHeaderOfATaskNamesTheTask(t *testing.T) {
	_, url := serving(t, nil)
	for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
		body, headers := post("1", method, "mine", "")
		body = strings.Replace(body, `"name"`, `"taskId"`, 1)
		for header, refused := range map[string]bool{"Mcp-Name: mine": false, "Mcp-Name: =?base64?bWluZQ==?=": false, "Mcp-Name: another": true, "Mcp-Name: ": true} {
			b, err := io.ReadAll(send(t, "POST", url, body, append(append([]string{}, headers...), header)...).Body)
			if err != nil || strings.Contains(string(b), "-32020") != refused {
				t.Errorf("%s, %s: %s, %v", method, header, b, err)
			}
		}
	}
}

func TestRequestsWithoutASessionGetTheirOwnIdsBack(t *testing.T) {
	s, url := serving(t, nil)
	// Two clients of one principal use the same ids and tokens at the same time.
	for range 2 {
		body, headers := post("1", "slow", "", "")
		send(t, "POST", url, body, headers...)
	}
	body, headers := post(`"\u0031"`, "progress", "", `,"progressToken":1.0`)
	got := events(t, send(t, "POST", url, body, headers...), 3)
	if !strings.Contains(got[0], `"progressToken":1.0`) || !strings.Contains(got[2], `"id":"\u0031"`) {
		t.Errorf("got %q", got)
	}
	b, err := io.ReadAll(send(t, "POST", url, body, append(headers, "Accept: application/json")...).Body)
	if err != nil || !strings.Contains(string(b), `"id":"\u0031"`) {
		t.Errorf("got %s, %v", b, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) != 1 {
		t.Errorf("%d conversations for one principal", len(s.sessions))
	}
}

// Clients of one principal may know nothing of each other: what a server says
// without saying to whom is for the one whose request it came of, or for nobody.
func TestWhatNamesNoRequestReachesNoOtherClient(t *testing.T) {
	s, url := serving(t, nil)
	hanging := func() {
		body, headers := post("1", "slow", "", "")
		send(t, "POST", url, body, headers...)
	}
	hanging()
	var session *session
	s.mu.Lock()
	for _, session = range s.sessions {
	}
	s.mu.Unlock()
	heard := func() (n []int) {
		session.mu.Lock()
		defer session.mu.Unlock()
		for _, a := range session.newest {
			n = append(n, a.stream.first+len(a.stream.lines))
		}
		return append(n, len(session.general.lines))
	}
	say := func(about wire.ID) {
		m, err := wire.ReadServer([]byte(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"of one call"}}`), wire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m.About = about
		session.Send(m.Raw, m)
	}
	say(wire.ID{})
	if got := fmt.Sprint(heard()); got != "[1 0]" {
		t.Errorf("one client alone: %s", got)
	}
	hanging()
	say(wire.ID{})
	say(wire.NewID("of a request of the proxy's own"))
	if got := fmt.Sprint(heard()); got != "[1 0 0]" {
		t.Errorf("two clients: %s", got)
	}
	say(wire.NewID("post-1"))
	if got := fmt.Sprint(heard()); got != "[2 0 0]" {
		t.Errorf("the first one's: %s", got)
	}
}

func TestWhatAVersionHasNotIsNotFound(t *testing.T) {
	_, url := serving(t, nil)
	for _, method := range []string{"initialize", "ping", "logging/setLevel", "resources/subscribe"} {
		body, headers := post("7", method, "", "")
		if got := send(t, "POST", url, body, headers...); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", method, got.Status)
		}
	}
	for _, method := range []string{"GET", "DELETE"} {
		if got := send(t, method, url, "", "Mcp-Protocol-Version: 2026-07-28"); got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, got.Status)
		}
	}
	if got := send(t, "POST", url, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list"); got.StatusCode != http.StatusBadRequest {
		t.Errorf("without _meta: %s", got.Status)
	}
}

func TestPrincipalsThatDifferInATagHaveConversationsOfTheirOwn(t *testing.T) {
	of := func(kind, id string, tags map[string]string) string {
		return keyOf(authz.Principal{Kind: kind, ID: id, Tags: tags})
	}
	all := []string{of("jwt", "a", nil), of("jwt", "a", map[string]string{"team": "web"}), of("jwt", "a", map[string]string{"team": "web", "x": "y"}),
		of("jwt", "a", map[string]string{"team": `web" "x"="y`}), of("token", "a", nil), of("jwt", `a" "team"="web`, nil)}
	for i, one := range all {
		if slices.Contains(all[:i], one) {
			t.Errorf("%s is there twice", one)
		}
	}
	if of("jwt", "a", map[string]string{"x": "y", "team": "web"}) != all[2] {
		t.Error("the same principal has two")
	}
}
