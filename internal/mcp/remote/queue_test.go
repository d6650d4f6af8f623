package remote

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

func read(t *testing.T, line string) *wire.Message {
	t.Helper()
	m, err := wire.ReadClient([]byte(line), wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNothingOvertakesInitialize(t *testing.T) {
	var q queue
	before, first, after := read(t, `{"jsonrpc":"2.0","id":1,"method":"ping"}`), read(t, hello), read(t, `{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	turns := func(m *wire.Message) int {
		ready, ok := q.add(m)
		if !ok {
			t.Fatal("it is full")
		}
		return len(ready)
	}
	if turns(before) != 1 || turns(first) != 1 {
		t.Error("what may go at once waits")
	}
	if turns(after) != 0 || len(q.end(before)) != 0 {
		t.Error("it was overtaken")
	}
	if ready := q.end(first); len(ready) != 1 || ready[0] != after {
		t.Errorf("after it: %v", ready)
	}
}

func TestSoManyAreUnderWayAndNoMoreWaitThanTheMemoryMayHold(t *testing.T) {
	var q queue
	m := read(t, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+strings.Repeat("x", 1<<20)+`"}}`)
	for range most {
		if ready, ok := q.add(m); !ok || len(ready) != 1 {
			t.Fatal("one of the first waits")
		}
	}
	waiting := 0
	for ; waiting < 100; waiting++ {
		ready, ok := q.add(m)
		if !ok {
			break
		}
		if len(ready) != 0 {
			t.Fatal("too many are under way")
		}
	}
	if waiting < 16 || waiting > 17 {
		t.Errorf("%d MiB wait", waiting)
	}
	if ready := q.end(m); len(ready) != 1 {
		t.Error("the next does not get its turn")
	}
	if _, ok := q.add(m); !ok {
		t.Error("there is room again, and it is refused")
	}
}

// A request may be cancelled while it waits for its turn, or has had it just now.
func TestARequestThatIsCancelledBeforeItIsSentIsNotSent(t *testing.T) {
	const call = `{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"name":%[1]q}}`
	release := make(chan struct{})
	var seen sync.Map
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Mcp-Name"), true)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(web.Close)
	o := connect(t, web.URL)
	for range most - 1 {
		o.say(`{"jsonrpc":"2.0","method":"notifications/x"}`)
	}
	o.say(fmt.Sprintf(call, "first")) // its turn comes at once
	o.say(fmt.Sprintf(call, "waits"))
	for _, id := range []string{"waits", "first"} {
		o.say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%q}}`, id))
	}
	o.wants(`"id":"first"`, "cancelled")
	o.wants(`"id":"waits"`, "cancelled")
	close(release)
	if _, sent := seen.Load("waits"); sent || o.Working(wire.NewID("waits").Key()) {
		t.Error("what was cancelled before it was sent was sent")
	}
	o.Stop(time.Minute)
	if n := len(o.cancels); n != 0 {
		t.Errorf("%d are remembered", n)
	}
}

// A stream may end long after its answer, when its request's id is another's.
func TestARequestIsCancelledThoughOneBeforeItHadItsID(t *testing.T) {
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"name":%q}}`
	release, left := make(chan struct{}), make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil { // or its end is not noticed
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		switch r.Header.Get("Mcp-Name") {
		case "first":
			fmt.Fprint(w, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n")
			_ = http.NewResponseController(w).Flush()
			<-release
		case "second":
			fmt.Fprint(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(left)
		}
	}))
	t.Cleanup(web.Close)
	o := connect(t, web.URL)
	busy := func() int {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.queue.busy
	}
	o.say(fmt.Sprintf(call, "first"))
	o.wants(`"id":1`)
	o.say(fmt.Sprintf(call, "second"))
	o.wants("notifications/x")
	close(release)
	for deadline := time.Now().Add(time.Minute); busy() > 1 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	o.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	select {
	case <-left:
	case <-time.After(time.Minute):
		t.Fatal("the server is not told")
	}
	o.wants(`"id":1`, "cancelled")
	o.Stop(time.Minute)
	if n := len(o.cancels); n != 0 {
		t.Errorf("%d are remembered", n)
	}
}

// A stream that nobody reads costs a connection on both sides of the proxy.
func TestTheStreamOfWhatBelongsToNoRequestIsOpenedForAListener(t *testing.T) {
	var listeners atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			listeners.Add(1)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, _ := io.ReadAll(r.Body) // what is cut short is no message
		m, err := wire.ReadClient(body, wire.Limits{})
		if err != nil || m.Kind != wire.Request {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Mcp-Session-Id", "s")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{}}`, m.ID)
	}))
	t.Cleanup(web.Close)
	o := connect(t, web.URL)
	o.say(hello)
	o.wants(`"id":0`)
	o.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	o.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	o.wants(`"id":1`)
	for deadline := time.Now().Add(time.Minute); !o.isGreeted() && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	if listeners.Load() > 0 {
		t.Error("it is opened for nobody")
	}
	o.Listen()
	o.Listen()
	for deadline := time.Now().Add(time.Minute); listeners.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not opened for a listener")
		}
	}
}

func (o *opened) isGreeted() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.greets
}

// Else what a client goes on to say fills the memory.
func TestAServerThatTakesNothingIsGivenUp(t *testing.T) {
	stuck := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	defer web.Close()
	defer close(stuck)
	o := connect(t, web.URL)
	for range most {
		o.say(`{"jsonrpc":"2.0","method":"notifications/x"}`)
	}
	big := fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/x","params":{"x":%q}}`, strings.Repeat("x", 1<<20))
	for i := 0; o.Send(big, nil); i++ {
		if i > 20 {
			t.Fatal("it takes more and more")
		}
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
