package mcp

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// What is not judged travels byte for byte, in order, in both directions.
// Source of the cases: what forwarding through typed SDK messages loses.
func TestMessagesTravelByteForByte(t *testing.T) {
	tb := converse(t, "reader", nil)
	requests := []string{
		`{"jsonrpc":"2.0","id":9007199254740993,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"x-unknown":{"a" : 1}},"_meta":{"k":9007199254740993},"clientInfo":{"name":"c","version":"1","extra":true}}}`,
		`{"id":"a-\u00e9","method":"ping","jsonrpc":"2.0"}`,
		`{"jsonrpc":"2.0","id":1.50,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"x"},"argument":{"name":"a","value":"1e400"}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"logging/setLevel","params":{ "level" : "debug" }}`,
	}
	for _, line := range requests {
		tb.say(line)
		if got := tb.get(); got != line {
			t.Errorf("the server got  %s\nthe client sent %s", got, line)
		}
	}
	answers := []string{
		`{"jsonrpc":"2.0","method":"notifications/unheard-of","params":{"z":1,"a":9007199254740993}}`,
		`{"jsonrpc":"2.0","id":3,"error":{"code":-32001,"message":"m","data":{"deep":[1,{"x":null}]},"extra":1}}`,
		`{"jsonrpc":"2.0","id":1.5,"result":{"completion":{"values":[]},"extra":9007199254740993}}`,
		`{"jsonrpc":"2.0","id":"a-é","result":{}}`,
		`{"result":{"capabilities":{"tasks":{}},"serverInfo":{"name":"s","version":"1","x":[]}},"jsonrpc":"2.0","id":9007199254740993,"odd":1}`,
		`{"jsonrpc":"2.0","id":"srv-1","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}`,
	}
	for _, line := range answers {
		tb.tell(line)
		if got := tb.hear(); got != line {
			t.Errorf("the client got  %s\nthe server sent %s", got, line)
		}
	}
	back := `{"jsonrpc":"2.0","id":"srv-1","result":{"model":"m" , "content":{}}}`
	tb.say(back)
	if got := tb.get(); got != back {
		t.Errorf("the server got %s", got)
	}
}

func TestAListHoldsOnlyWhatTheCallerCouldCall(t *testing.T) {
	tb := converse(t, "reader", nil)
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	tb.get()
	head, tail := `{"jsonrpc":"2.0","id":1,"result":{"z-first":9007199254740993,"tools":[`, `],"nextCursor":"n","_meta":{ "k":1 }}}`
	manage := `{"name":"ecs_resource_management","inputSchema":{"type":"object"} ,"x-odd":1e400}`
	hidden := `{"name":"undocumented","inputSchema":{}}`
	tb.tell(head + hidden + "," + manage + "," + hidden[:9] + `delete_app","inputSchema":{}}` + tail)
	got := tb.hear()
	if !strings.HasPrefix(got, head) || !strings.HasSuffix(got, tail) || !strings.Contains(got, manage) {
		t.Errorf("more than the array of tools was changed: %s", got)
	}
	if strings.Contains(got, "undocumented") || strings.Contains(got, "delete_app") {
		t.Errorf("a tool that the reader can never call is listed: %s", got)
	}
}

func TestAListThatCannotBeReadIsWithheld(t *testing.T) {
	tb := converse(t, "reader", nil)
	for i, result := range []string{`{"tools":"all"}`, `{"tools":[{"name":1}]}`, `{}`} {
		tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/list"}`, i))
		tb.get()
		tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":%s}`, i, result))
		wants(t, tb.hear(), `"error":`, "withheld")
	}
}

func TestTheServerMayAskOnlyWhatIsInTheTable(t *testing.T) {
	tb := converse(t, "reader", nil)
	tb.tell(`{"jsonrpc":"2.0","id":7,"method":"client/readFile","params":{}}`)
	wants(t, tb.get(), `"id":7`, "-32601")
	tb.tell(`{"jsonrpc":"2.0","id":8,"method":"roots/list"}`)
	wants(t, tb.hear(), "roots/list")
	tb.tell(`{"jsonrpc":"2.0","id":8,"method":"roots/list"}`) // the same id again, not yet answered
	wants(t, tb.get(), `"id":8`, "-32601")
	tb.say(`{"jsonrpc":"2.0","id":99,"result":{}}`) // an answer to nothing
	tb.say(`{"jsonrpc":"2.0","id":8,"result":{"roots":[]}}`)
	wants(t, tb.get(), `"roots":[]`)
	wants(t, fmt.Sprint(classes(tb.records(3))), "event/method event/method refusal/unreadable")
}

func TestAnswersToNothingAreDropped(t *testing.T) {
	tb := converse(t, "reader", nil)
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"injected":true}}`)
	tb.tell("\x1b[31mnoise")
	tb.tell(`[{"jsonrpc":"2.0","id":1,"result":{}}]`)
	tb.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	tb.get()
	tb.tell(`{"jsonrpc":"2.0","id":"1","result":{"another":"id"}}`) // the string is not the number
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"first":true}}`)
	wants(t, tb.hear(), `"first":true`)
	tb.tell(`{"jsonrpc":"2.0","id":1,"result":{"second":true}}`)
	tb.tell(`{"jsonrpc":"2.0","method":"notifications/message"}`)
	wants(t, tb.hear(), "notifications/message")
	tb.records(5)
}

// A connection remembers each request whose end it did not see, until it is asked.
func TestAConnectionIsAskedAboutEachRequestThatHasEnded(t *testing.T) {
	var mu sync.Mutex
	var asked []wire.Key
	connected := func(p *Process) {
		p.Working = func(id wire.Key) bool {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, id)
			return true
		}
	}
	tb := converseWith(t, oneLane, "reader", nil, connected)
	for id, method := range []string{"prompts/list", "tools/list", "ping"} {
		tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":"%d","method":%q}`, id, method))
		tb.get()
		tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":"%d","error":{"code":-32603,"message":"ecs-mcp-proxy: cancelled"}}`, id))
		wants(t, tb.hear(), "cancelled")
		mu.Lock()
		if key := wire.NewID(fmt.Sprint(id)).Key(); !slices.Contains(asked, key) {
			t.Errorf("nobody asked about %s", method)
		}
		mu.Unlock()
	}
}
