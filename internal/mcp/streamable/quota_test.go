package streamable

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

func slow(id int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"slow"}`, id)
}

const ping = `{"jsonrpc":"2.0","id":"p","method":"ping"}`

func TestWhatOnePrincipalHasInProgressIsBoundedInAllItsSessions(t *testing.T) {
	_, url := serving(t, func(c *Config) { c.Quota.Concurrency = 3 })
	first, second := begin(t, url), begin(t, url)
	send(t, "POST", url, slow(1), first)
	send(t, "POST", url, slow(2), first)
	send(t, "POST", url, slow(1), second)
	full := func() bool {
		t.Helper()
		response := send(t, "POST", url, ping, second)
		if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
		return response.StatusCode == http.StatusTooManyRequests
	}
	if !full() {
		t.Error("a fourth request is taken")
	}
	if response := send(t, "POST", url, hello); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a third session: %s", response.Status)
	}
	if response := send(t, "POST", url, hello, "Authorization: bob"); response.StatusCode != http.StatusOK {
		t.Errorf("another principal: %s", response.Status)
	}

	// What is cancelled, refused or over is not in progress.
	send(t, "POST", url, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}`, first)
	if full() {
		t.Error("a cancelled request counts")
	}
	for range 5 { // one that is refused gives its place back
		if response := send(t, "POST", url, slow(1), first); response.StatusCode != http.StatusBadRequest {
			t.Errorf("an id in use: %s", response.Status)
		}
		if response := send(t, "POST", url, ping, "Mcp-Session-Id: unknown"); response.StatusCode != http.StatusNotFound {
			t.Errorf("an unknown session: %s", response.Status)
		}
	}
	send(t, "POST", url, slow(3), first)
	if !full() {
		t.Error("a fourth request is taken after the cancellation")
	}
	send(t, "DELETE", url, "", first)
	for deadline := time.Now().Add(time.Minute); full(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the requests of a session that is gone count")
		}
	}
}

// Who sends many messages slowly must not fill the memory with them.
func TestMessagesThatArriveSlowlyAreBounded(t *testing.T) {
	_, url := serving(t, func(c *Config) { c.Quota.Concurrency = 2 })
	session := begin(t, url)
	var bodies []io.Closer
	for range 2 {
		body, rest := io.Pipe()
		bodies = append(bodies, rest)
		t.Cleanup(func() { rest.Close() })
		r, err := http.NewRequestWithContext(t.Context(), "POST", url, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "alice")
		go func() {
			if response, err := http.DefaultClient.Do(r); err == nil {
				response.Body.Close()
			}
		}()
		fmt.Fprint(rest, "{") // until it is being read
	}
	eventually := func(what string, status int, headers ...string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			got := send(t, "POST", url, ping, append(headers, session)...).StatusCode
			if got == status {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: status %d", what, got)
			}
		}
	}
	eventually("a third message", http.StatusTooManyRequests)
	if response := send(t, "POST", url, hello, "Authorization: bob"); response.StatusCode != http.StatusOK {
		t.Errorf("another principal: %s", response.Status)
	}
	for _, rest := range bodies {
		rest.Close()
	}
	eventually("when they have arrived", http.StatusOK)
}

func TestARequestWithoutASessionIsInProgressUntilItsReaderGoes(t *testing.T) {
	_, url := serving(t, func(c *Config) { c.Quota.Concurrency = 1 })
	body, headers := post("1", "slow", "", "")
	hanging := send(t, "POST", url, body, headers...)
	body, headers = post("2", "tools/list", "", "")
	if response := send(t, "POST", url, body, headers...); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second request: %s", response.Status)
	}
	hanging.Body.Close()
	for deadline := time.Now().Add(time.Minute); send(t, "POST", url, body, headers...).StatusCode != http.StatusOK; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is in progress for ever")
		}
	}
}

func TestTheSessionsOfOnePrincipalAreBoundedAndAnotherKeepsItsOwn(t *testing.T) {
	_, url := serving(t, func(c *Config) { c.Quota.Sessions = 1 })
	session := begin(t, url)
	response := send(t, "POST", url, hello)
	why, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" || !strings.Contains(string(why), "limits.principal_sessions") {
		t.Errorf("a second session: %s %s %v", response.Status, why, response.Header)
	}
	body, headers := post("1", "tools/list", "", "")
	if response := send(t, "POST", url, body, headers...); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a request without a session, which needs a conversation as well: %s", response.Status)
	}
	if response := send(t, "POST", url, hello, "Authorization: bob"); response.StatusCode != http.StatusOK {
		t.Errorf("another principal: %s", response.Status)
	}
	send(t, "DELETE", url, "", session)
	for deadline := time.Now().Add(time.Minute); send(t, "POST", url, hello).StatusCode != http.StatusOK; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a session that has ended counts")
		}
	}
}

func TestTheRateOfOnePrincipalIsBoundedAndAnotherKeepsItsOwn(t *testing.T) {
	_, url := serving(t, func(c *Config) { c.Quota.Rate, c.Quota.Burst = 1, 5 })
	refused := 0
	for range 30 {
		if response := send(t, "GET", url, ""); response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "1" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("none of 30 requests is refused")
	}
	if response := send(t, "POST", url, hello, "Authorization: bob"); response.StatusCode != http.StatusOK {
		t.Errorf("another principal: %s", response.Status)
	}
}

func TestASessionWhoseRequestsWereCancelledIsIdle(t *testing.T) {
	s, url := serving(t, nil)
	session := begin(t, url)
	hang(t, url, session)
	idle := func() time.Duration {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, open := range s.sessions {
			return open.idle(time.Now().Add(time.Hour))
		}
		return -1
	}
	if d := idle(); d != 0 {
		t.Errorf("idle for %s with a request in progress", d)
	}
	send(t, "POST", url, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, session)
	if d := idle(); d < time.Minute {
		t.Errorf("idle for %s after it was cancelled", d)
	}
}

func TestWhoTakesNothingIsForgotten(t *testing.T) {
	q := newQuotas(Quota{Sessions: 1, Concurrency: 1, Rate: 1, Burst: 1})
	p := authz.Principal{Kind: "test", ID: "alice"}
	end, ok := q.begin(p)
	if !ok || !q.admit(p) {
		t.Fatal("the first request is refused")
	}
	q.forget(time.Now().Add(time.Hour))
	if _, ok := q.begin(p); ok || len(q.users) != 1 {
		t.Error("forgotten with a request in progress")
	}
	end()
	end()
	q.forget(time.Now().Add(-time.Hour))
	if len(q.users) != 1 || q.users[user{"test", "alice"}].progress != 0 {
		t.Error("forgotten before its burst is whole")
	}
	closed, ok := q.open(p)
	if _, more := q.open(p); !ok || more {
		t.Error("one session is not what it may have")
	}
	q.forget(time.Now().Add(time.Hour))
	if _, ok := q.open(p); ok {
		t.Error("forgotten with a session")
	}
	closed()
	q.forget(time.Now().Add(time.Hour))
	if len(q.users) != 0 {
		t.Error("not forgotten")
	}
}
