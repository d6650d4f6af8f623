package streamable

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// keeps is how many bytes of answered streams the sessions keep.
func keeps(s *Server) (bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		session.mu.Lock()
		bytes += session.kept()
		session.mu.Unlock()
	}
	return bytes
}

// One principal's large answers must not fill the memory of all.
func TestALargeAnswerIsNotKeptOnceItWasRead(t *testing.T) {
	for name, headers := range map[string][]string{
		"as events":         {"Accept: application/json, text/event-stream"},
		"as the answer":     {"Accept: application/json"},
		"without a session": {"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: large"},
	} {
		t.Run(name, func(t *testing.T) {
			s, url := serving(t, nil)
			session := begin(t, url)
			before := keeps(s)
			params := `{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`
			if name != "without a session" {
				headers, params = append(headers, session), `{}`
			}
			for id := range 3 {
				response := send(t, "POST", url, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"large","params":%s}`, id+1, params), headers...)
				if n, err := io.Copy(io.Discard, response.Body); err != nil || n < 3<<20 {
					t.Fatalf("%d bytes, %v", n, err)
				}
			}
			if kept := keeps(s) - before; kept > 3*maxKept {
				t.Errorf("%d bytes are kept", kept)
			}
		})
	}
}

// What nobody read is kept for a reader that comes back, of all answers together
// no more than of one stream.
func TestAnswersThatNobodyReadAreBounded(t *testing.T) {
	s, url := serving(t, nil)
	begin(t, url)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		for id := range finishedKept {
			m, err := wire.ReadClient(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"large"}`, id+1), wire.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			session.expect(m, Came{}, nil)
			session.say(m)
		}
		if n := len(session.finished); session.kept() > maxUnread || n < 6 {
			t.Errorf("%d streams of %d bytes are kept", n, session.kept())
		}
	}
}

// A line that was only looked at is there for its reader, whatever came since.
func TestALineThatWasOnlyLookedAtIsKept(t *testing.T) {
	st := newStream("1")
	st.put(make([]byte, maxKept+1), false)
	if status, _ := st.failed(t.Context()); status != 0 {
		t.Fatalf("status %d", status)
	}
	st.put([]byte("{}"), true)
	if _, ok := st.next(t.Context(), 0, keepAlive, func() error { return nil }); !ok {
		t.Error("the first line is gone")
	}
}

// A reader that takes nothing must not keep an answer for ever: it is not in
// progress any more, and counts against nobody.
func TestAnAnswerIsWrittenWithinItsTime(t *testing.T) {
	s, _ := serving(t, nil)
	for _, method := range []string{"notify", "large"} {
		w := &timed{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("POST", "http://localhost/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`))
		for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json", "Authorization": "alice", "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": method} {
			r.Header.Set(name, value)
		}
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !w.bounded {
			t.Errorf("%s: status %d, bounded: %t", method, w.Code, w.bounded)
		}
	}
}

// timed is a ResponseWriter that notes whether a write may take for ever.
type timed struct {
	*httptest.ResponseRecorder
	deadline time.Time
	bounded  bool
}

func (w *timed) SetWriteDeadline(at time.Time) error { w.deadline = at; return nil }

func (w *timed) Write(b []byte) (int, error) {
	w.bounded = !w.deadline.IsZero()
	return w.ResponseRecorder.Write(b)
}
