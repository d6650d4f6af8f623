package wire

import (
	"errors"
	"strings"
	"testing"
)

func mustRead(t testing.TB, line string) *Message {
	t.Helper()
	m, err := ReadClient([]byte(line), Limits{})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

func TestReadClientKeepsBytesAndMeaning(t *testing.T) {
	line := ` { "id" : 1.0, "params":{"_meta":{"progressToken":9007199254740993,"io.modelcontextprotocol/protocolVersion":"2026-07-28","Name":1},` +
		`"arguments":{"b":[1,"\ud83d\ude00"],"Name":0.5},"n\u0061me":"ecs_\u0072esource","task":{},"x":1e400},"method":"tools\/call","jsonrpc":"2.0"} `
	m := mustRead(t, line)
	if string(m.Raw) != line || m.Kind != Request || m.Method != "tools/call" || m.Name != "ecs_resource" {
		t.Errorf("got %+v", m)
	}
	if string(m.Arguments) != `{"b":[1,"\ud83d\ude00"],"Name":0.5}` || !m.HasTask || !m.ModernVersion {
		t.Errorf("got %+v", m)
	}
	if string(m.ID.Raw()) != "1.0" || string(m.ProgressToken) != "9007199254740993" {
		t.Errorf("got id %s, token %s", m.ID, m.ProgressToken)
	}
	for name, part := range map[string][]byte{"id": m.ID.Raw(), "token": m.ProgressToken, "arguments": m.Arguments, "params": m.Params} {
		if at := m.Offset(part); !strings.HasPrefix(line[at:], string(part)) {
			t.Errorf("offset of %s is %d", name, at)
		}
	}
}

func TestReadClientKinds(t *testing.T) {
	for line, want := range map[string]Kind{
		`{"jsonrpc":"2.0","id":"a","method":"ping"}`:                                   Request,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`:                       Notification,
		`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}`:                Notification,
		`{"jsonrpc":"2.0","id":0,"result":{"roots":[]}}`:                               Response,
		`{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":"no"}}`:                  Response,
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`:  Response,
		`{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"}}`:            Response,
		`{"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"name":"p"}}`:        Request,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reason":"x"}}`: Notification,
	} {
		if m := mustRead(t, line); m.Kind != want {
			t.Errorf("%s: got kind %d, want %d", line, m.Kind, want)
		}
	}
}

// Source: MCP, SEP-414.
func TestReadClientFindsTheTraceThatAMessageBelongsTo(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for meta, want := range map[string]string{
		`{"traceparent":"` + parent + `"}`:      parent,
		`{"trace\u0070arent":"` + parent + `"}`: parent,
		`{}`:                                    "",
		`{"traceparent":7}`:                     "",
		`{"traceparent":"` + strings.Repeat("0", 200) + `"}`: "",
	} {
		if m := mustRead(t, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":`+meta+`}}`); m.Traceparent != want {
			t.Errorf("%s: got %q", meta, m.Traceparent)
		}
	}
}

func TestReadClientSubjects(t *testing.T) {
	for line, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a","name":"other"}}`: "file:///a",
		`{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"u"}}`:                   "u",
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p","uri":"u"}}`:                "p",
		`{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"name":"not a subject"}}`:      "",
	} {
		if m := mustRead(t, line); m.Name != want {
			t.Errorf("%s: got %q, want %q", line, m.Name, want)
		}
	}
}

func TestReadClientTracksCancelAndProgress(t *testing.T) {
	m := mustRead(t, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}`)
	if m.RequestID.Key() != mustRead(t, `{"jsonrpc":"2.0","id":"\u0031","method":"ping"}`).ID.Key() {
		t.Errorf("request id is %s", m.RequestID)
	}
	m = mustRead(t, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}`)
	if string(m.ProgressToken) != `"t"` {
		t.Errorf("token is %s", m.ProgressToken)
	}
}

func TestReadClientDepth(t *testing.T) {
	for depth, accepted := range map[int]bool{5: true, 6: false} {
		line := `{"jsonrpc":"2.0","method":"m","params":{"a":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `}}`
		if _, err := ReadClient([]byte(line), Limits{Depth: 5}); (err == nil) != accepted {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

func TestReadServerIsFreeBelowTheEnvelope(t *testing.T) {
	for name, line := range map[string]string{
		"big and huge numbers":      `{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"n":9007199254740993,"m":1e400}}}`,
		"keys that differ by case":  `{"jsonrpc":"2.0","id":1,"result":{"name":1,"Name":2,"a\u0000":3}}`,
		"an unknown envelope key":   `{"jsonrpc":"2.0","id":1,"result":{},"x-trace":"y"}`,
		"params that are null":      `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":null}`,
		"params with any keys":      `{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"Name":1,"arguments":null,"_meta":0}}`,
		"a call back without names": `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`,
		"an unusual token":          `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{}}}`,
	} {
		if _, err := ReadServer([]byte(line), Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadServerRefuses(t *testing.T) {
	for name, c := range map[string]struct{ line, id string }{
		"a duplicate key in the result":   {`{"jsonrpc":"2.0","id":3,"result":{"a":{"b":1,"b":2}}}`, "3"},
		"a lone surrogate in the result":  {`{"jsonrpc":"2.0","id":3,"result":{"a":"\ud800"}}`, "3"},
		"invalid UTF-8 in the result":     {`{"jsonrpc":"2.0","id":3,"result":{"a":"` + "\xff" + `"}}`, "3"},
		"NaN in the result":               {`{"jsonrpc":"2.0","id":3,"result":{"a":NaN}}`, "3"},
		"NaN before the id":               {`{"jsonrpc":"2.0","result":{"a":NaN},"id":3}`, "null"},
		"an envelope key in another case": {`{"jsonrpc":"2.0","id":3,"Result":{}}`, "3"},
		"an id in another case":           {`{"jsonrpc":"2.0","Id":3,"result":{}}`, "null"},
		"a carriage return":               {"{\"jsonrpc\":\"2.0\",\r\"id\":3,\"result\":{}}", "3"},
		"nesting beyond the limit":        {`{"jsonrpc":"2.0","id":3,"result":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "3"},
	} {
		_, err := ReadServer([]byte(c.line), Limits{})
		var e *Error
		if !errors.As(err, &e) || e.ID.String() != c.id {
			t.Errorf("%s: got %v with id %v, want id %s", name, err, e, c.id)
		}
	}
}

func TestReadServerNoise(t *testing.T) {
	for _, line := range []string{"", "Starting server", "[INFO] listening", `"text"`, `[{"jsonrpc":"2.0"}]`, "\x1b[31mError"} {
		if _, err := ReadServer([]byte(line), Limits{}); err != ErrNoise {
			t.Errorf("%q: got %v, want ErrNoise", line, err)
		}
	}
}

func TestIsToolError(t *testing.T) {
	for result, want := range map[string]bool{
		`{"content":[],"isError":true}`:                 true,
		`{"content":[{"isError":true}]}`:                false,
		`{"content":[],"isError":false}`:                false,
		`{"structuredContent":{"isError":true}}`:        false,
		`{"isError":"true"}`:                            false,
		`{"content":[{"type":"text"}],"isError": true}`: true,
		`[true]`: false,
	} {
		m, err := ReadServer([]byte(`{"jsonrpc":"2.0","id":1,"result":`+result+`}`), Limits{})
		if err != nil || m.IsToolError() != want {
			t.Errorf("%s: got %v, %v", result, m, err)
		}
	}
}
