package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func get(h http.Handler, method, target, host string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestReadyIsWhatEveryCheckSays(t *testing.T) {
	well := &Check{Name: "policy", Look: func(context.Context) error { return nil }}
	ill := &Check{Name: "sts", Look: func(context.Context) error { return errors.New("it cannot be reached") }}
	mad := &Check{Name: "audit", Look: func(context.Context) error { panic("boom") }}
	for name, tt := range map[string]struct {
		checks []*Check
		accept string
		status int
		body   string
	}{
		"all well":             {[]*Check{well}, "", 200, "policy: ok\n"},
		"one is not":           {[]*Check{well, ill}, "", 503, "policy: ok\nsts: not ready: it cannot be reached\n"},
		"one is not, as JSON":  {[]*Check{well, ill}, "application/json", 503, `{"ready":false,"checks":[{"name":"policy","ok":true},{"name":"sts","ok":false,"reason":"it cannot be reached"}]}` + "\n"},
		"one panics":           {[]*Check{mad}, "", 503, "audit: not ready: panic: boom\n"},
		"nothing to check yet": {nil, "", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(handler(Config{Checks: tt.checks}), "GET", "/readyz", "proxy.test", "Accept", tt.accept)
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("got %d %q", w.Code, w.Body)
			}
			if w := get(handler(Config{Checks: tt.checks}), "GET", "/healthz", "proxy.test"); w.Code != 200 {
				t.Errorf("healthz: %d", w.Code)
			}
		})
	}
}

func TestOnlyThoseForWhomItIsAreAnswered(t *testing.T) {
	for name, tt := range map[string]struct {
		loopback           bool
		method, path, host string
		header, value      string
		want               int
	}{
		"loopback by address":                 {true, "GET", "/healthz", "127.0.0.1:9090", "", "", 200},
		"loopback by name":                    {true, "HEAD", "/healthz", "localhost", "", "", 200},
		"loopback's IPv6":                     {true, "GET", "/healthz", "[::1]:9090", "", "", 200},
		"a name that was rebound to loopback": {true, "GET", "/healthz", "evil.test:9090", "", "", 403},
		"another name, elsewhere":             {false, "GET", "/healthz", "proxy.test", "", "", 200},
		"a web page":                          {false, "GET", "/healthz", "proxy.test", "Origin", "http://evil.test", 403},
		"a link on a web page":                {false, "GET", "/healthz", "proxy.test", "Sec-Fetch-Site", "cross-site", 403},
		"something to change":                 {false, "POST", "/readyz", "proxy.test", "", "", 405},
		"something else":                      {false, "GET", "/mcp", "proxy.test", "", "", 404},
		"metrics that there are none of":      {false, "GET", "/metrics", "proxy.test", "", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			if w := get(handler(Config{Loopback: tt.loopback}), tt.method, tt.path, tt.host, tt.header, tt.value); w.Code != tt.want {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestAnAnswerStandsForAWhileAndALookIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		c := &Check{Name: "upstream", Keep: 5 * time.Second, Look: func(ctx context.Context) error {
			looks++
			<-ctx.Done()
			return ctx.Err()
		}}
		gone, cancel := context.WithCancel(t.Context())
		cancel() // a probe that gives up decides nothing for the others
		for range 10 {
			if err := c.look(gone); err == nil || !strings.Contains(err.Error(), "no answer within 3s") {
				t.Errorf("got %v", err)
			}
		}
		if looks != 1 {
			t.Errorf("looked %d times for ten probes", looks)
		}
		time.Sleep(6 * time.Second)
		_ = c.look(t.Context())
		if looks != 2 {
			t.Errorf("looked %d times", looks)
		}
	})
}
