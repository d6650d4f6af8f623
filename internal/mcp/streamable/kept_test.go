package streamable

import (
	"fmt"
	"io"
	"testing"

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
