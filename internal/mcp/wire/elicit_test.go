package wire

import "testing"

func TestWhatAClientSaysOfElicitation(t *testing.T) {
	for capabilities, want := range map[string]bool{
		``:                                     false,
		`{}`:                                   false,
		`{"elicitation":{}}`:                   true, // form is what is meant
		`{"elicitation":{"form":{}}}`:          true,
		`{"elicitation":{"form":{},"url":{}}}`: true,
		`{"elicitation":{"url":{}}}`:           false,
		`{"elicitation":null}`:                 false,
		`{"elicitation":true}`:                 false,
		`{"elicitation":[]}`:                   false,
		`{"Elicitation":{}}`:                   false,
		`{"elicitation":{"form":null}}`:        true,
		`null`:                                 false,
	} {
		if got := Elicits([]byte(capabilities)); got != want {
			t.Errorf("%s: %t", capabilities, got)
		}
	}
}

func TestWhatTheUserAnswered(t *testing.T) {
	for answer, want := range map[string]string{
		`{"action":"accept","content":{}}`:      "accept",
		`{"action":"decline"}`:                  "decline",
		`{"action":"cancel"}`:                   "cancel",
		`{"action":"Accept"}`:                   "",
		`{"Action":"accept"}`:                   "",
		`{"action":true}`:                       "",
		`{"action":"accept","action":"accept"}`: "",
		`"accept"`:                              "",
		``:                                      "",
	} {
		if got := Action([]byte(answer)); got != want {
			t.Errorf("%s: %q", answer, got)
		}
	}
}

func TestQuestionsToTheUser(t *testing.T) {
	about, _ := parseID([]byte(`"a\u0062"`))
	id := OwnID("x", about)
	for _, tt := range []struct{ got, want []byte }{
		{Elicit(id, "Really\n\"?"), []byte(`{"jsonrpc":"2.0","id":"ecs-mcp-proxy/x/\"a\\u0062\"","method":"elicitation/create","params":{"message":"Really\n\"?","requestedSchema":{"type":"object","properties":{}}}}`)},
		{Cancel(id, "late"), []byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"ecs-mcp-proxy/x/\"a\\u0062\"","reason":"late"}}`)},
		{InputRequired(about, "k", "Really?", "s"), []byte(`{"jsonrpc":"2.0","id":"a\u0062","result":{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"mode":"form","message":"Really?","requestedSchema":{"type":"object","properties":{}}}}},"requestState":"s"}}`)},
	} {
		if string(tt.got) != string(tt.want) {
			t.Errorf("got  %s\nwant %s", tt.got, tt.want)
		}
		if _, err := ReadServer(tt.got, Limits{}); err != nil {
			t.Error(err)
		}
	}
}

func TestWhereCapabilitiesAreSaid(t *testing.T) {
	for line, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{"elicitation":{}},"protocolVersion":"2025-06-18"}}`:                                  `{"elicitation":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","capabilities":{"elicitation":{}}}}`:                                                      ``,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}`:              `{"elicitation":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}`:                         ``,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}`:          ``,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"a":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}},"b":{}}}`: ``,
	} {
		m, err := ReadClient([]byte(line), Limits{})
		if err != nil || string(m.Capabilities) != want {
			t.Errorf("%s: %s, %v", line, m.Capabilities, err)
		}
	}
}
