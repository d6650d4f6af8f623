package wire

import "testing"

func TestErrorResponse(t *testing.T) {
	id := mustRead(t, `{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}`).ID
	for name, c := range map[string]struct{ got, want string }{
		"with data": {string(ErrorResponse(id, -32602, `no "<tool>"`, map[string]string{"b": "2", "a": "1"})),
			`{"jsonrpc":"2.0","id":9007199254740993,"error":{"code":-32602,"message":"no \"<tool>\"","data":{"a":"1","b":"2"}}}`},
		"without an id":                {string(ErrorResponse(ID{}, CodeParse, "x", nil)), `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}`},
		"with data that has no JSON":   {string(ErrorResponse(id, 1, "x", make(chan int))), `{"jsonrpc":"2.0","id":9007199254740993,"error":{"code":1,"message":"x"}}`},
		"with text that is not UTF-8":  {string(ErrorResponse(ID{}, 1, "a\xffb\n", nil)), `{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"a` + "\ufffd" + `b\n"}}`},
		"with an id that is an escape": {string(ErrorResponse(mustRead(t, `{"jsonrpc":"2.0","id":"\u0041","method":"m"}`).ID, 1, "", nil)), `{"jsonrpc":"2.0","id":"\u0041","error":{"code":1,"message":""}}`},
	} {
		if c.got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, c.got, c.want)
		}
	}
}

func TestToolError(t *testing.T) {
	id := mustRead(t, `{"jsonrpc":"2.0","id":"a","method":"ping"}`).ID
	for name, c := range map[string]struct{ got, want string }{
		"before 2026-07-28":          {string(ToolError(id, "no", nil, false)), `{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"no"}],"isError":true}}`},
		"since 2026-07-28":           {string(ToolError(id, "no", map[string]any{"d": 1}, true)), `{"jsonrpc":"2.0","id":"a","result":{"resultType":"complete","content":[{"type":"text","text":"no"}],"isError":true,"_meta":{"d":1}}}`},
		"with meta that has no JSON": {string(ToolError(id, "no", map[string]any{"d": func() {}}, false)), `{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"no"}],"isError":true}}`},
	} {
		if c.got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, c.got, c.want)
		}
		if m := mustReadServer(t, c.got); !m.IsToolError() || m.ID.Key() != id.Key() {
			t.Errorf("%s: reads as %+v", name, m)
		}
	}
}
