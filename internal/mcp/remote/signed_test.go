package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// answerOf is what a request is answered with by a server that requests are
// signed for.
func answerOf(t *testing.T, url string, sign func(context.Context, *http.Request, []byte) error) string {
	t.Helper()
	o := converse(t, Config{URL: url, Sign: sign})
	o.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	line := o.hear()
	if _, err := wire.ReadServer([]byte(line), wire.Limits{}); err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return line
}

func signs(_ context.Context, r *http.Request, body []byte) error {
	r.Header.Set("Authorization", "signed "+string(body))
	return nil
}

func TestASignedRequestIsSignedLastAndSentOnce(t *testing.T) {
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, tt := range []struct {
		name   string
		sign   func(context.Context, *http.Request, []byte) error
		answer http.HandlerFunc
		want   string
		sent   int64
	}{
		{"answered", signs, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Header.Get("Authorization") != "signed "+string(body) {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
		}, `"result":{}`, 1},
		{"nothing to sign with", func(context.Context, *http.Request, []byte) error { return errors.New("the call's grant has ended") }, nil,
			"ecs-mcp-proxy: the request was not sent: the call's grant has ended", 0},
		{"not accepted", signs, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"message":"User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized"}`)
		}, "AWS did not accept the request (status 403): its credentials have ended", 1},
		{"by another clock", signs, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusForbidden)
		}, "and a signature counts for 5 minutes; set the clock", 1},
		{"sent elsewhere", signs, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "it answered with status 307 and no message", 1},
		{"answered with the right to a message", signs, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"not you"}}`)
		}, "not you", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					sent.Add(1)
				}
				tt.answer(w, r)
			}))
			t.Cleanup(server.Close)
			got := answerOf(t, server.URL, tt.sign)
			if !strings.Contains(got, tt.want) || strings.Contains(got, "arn:aws") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if sent.Load() != tt.sent || asked.Load() != 0 {
				t.Errorf("%d requests, and %d followed a redirect", sent.Load(), asked.Load())
			}
		})
	}
}
