package wire

import (
	"encoding/json"
	"testing"
)

func TestTheInputOfARequestIsReplacedAndNothingElse(t *testing.T) {
	for name, tt := range map[string]struct{ params, responses, state, want string }{
		"nothing to take out":     {`{"name":"a", "x": 9007199254740993 }`, "", "", `{"name":"a","x":9007199254740993}`},
		"both taken out":          {`{"requestState":"s","name":"a","inputResponses":{"b":[1]},"_meta":{}}`, "", "", `{"name":"a","_meta":{}}`},
		"both, one escaped":       {`{"name":"a","request\u0053tate":"s"}`, "", "", `{"name":"a"}`},
		"both replaced":           {`{"requestState":"s","name":"a"}`, `{"c":{}}`, `"t"`, `{"name":"a","inputResponses":{"c":{}},"requestState":"t"}`},
		"only one put in":         {`{"name":"a"}`, "", `"t"`, `{"name":"a","requestState":"t"}`},
		"one within another left": {`{"name":"a","arguments":{"requestState":"s"}}`, "", "", `{"name":"a","arguments":{"requestState":"s"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ReadClient([]byte(`{"jsonrpc":"2.0","id":7 ,"method":"tools/call","params":`+tt.params+`}`), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			raw := func(s string) json.RawMessage {
				if s == "" {
					return nil
				}
				return json.RawMessage(s)
			}
			got := m.WithInput(raw(tt.responses), raw(tt.state))
			if want := `{"jsonrpc":"2.0","id":7 ,"method":"tools/call","params":` + tt.want + `}`; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			again, err := ReadClient(got, Limits{})
			if err != nil || string(again.InputResponses) != tt.responses || string(again.RequestState) != tt.state {
				t.Errorf("read again: %s, %s, %v", again.InputResponses, again.RequestState, err)
			}
		})
	}
}

// The proxy's own ids say which request of the client they are about, and no
// lane's id is one.
func TestOwnIdsSayWhatTheyAreAbout(t *testing.T) {
	for _, raw := range []string{`1`, `"a/b"`, `"ecs-mcp-proxy/x/1"`, `1.0`, `"\u0031"`} {
		about, ok := parseID([]byte(raw))
		id := OwnID("name", about)
		read, readable := parseID(id.Raw())
		if !ok || !readable || !read.IsOwn() || read.About().Key() != about.Key() || string(read.About().Raw()) != raw {
			t.Errorf("%s became %s, which is about %s", raw, id, read.About())
		}
		if id.Of(1).IsOwn() || id.Of(12).IsOwn() || about.IsOwn() != (raw == `"ecs-mcp-proxy/x/1"`) {
			t.Errorf("%s: a server's id counts as the proxy's own", raw)
		}
	}
	for _, raw := range []string{`"ecs-mcp-proxy/"`, `"ecs-mcp-proxy/name/"`, `"ecs-mcp-proxy/name/{}"`, `"other/name/1"`, `1`} {
		if id, _ := parseID([]byte(raw)); !id.About().IsZero() {
			t.Errorf("%s is about %s", raw, id.About())
		}
	}
}
