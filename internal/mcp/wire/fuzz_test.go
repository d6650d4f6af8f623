package wire

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// What passes has one reading, whatever a client may send.
func FuzzReadClient(f *testing.F) {
	for _, c := range refusedFromClient {
		f.Add([]byte(c.line))
	}
	for _, line := range acceptedFromClient {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		m, err := ReadClient(line, Limits{})
		if !bytes.Equal(line, before) {
			t.Fatal("the line was changed")
		}
		if err != nil {
			var e *Error
			if m != nil || !errors.As(err, &e) || e.Reason == "" || e.Code == 0 {
				t.Fatalf("got %+v, %v", m, err)
			}
			return
		}
		if err := oneReading(m); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadServer(line, Limits{}); err != nil {
			t.Fatalf("the server's reading is stricter: %v", err)
		}
	})
}

var acceptedFromClient = []string{
	`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}}`,
	`{"jsonrpc":"2.0","id":"a","method":"tools\/call","params":{"name":"ecs_resource_management","arguments":{"api_operation":"ListClusters","n":[1,0.5,null]},"_meta":{"progressToken":1e0}}}`,
	`{"params":{"arguments":{},"name":"\ud83d\ude00"},"method":"prompts/get","id":9007199254740993,"jsonrpc":"2.0"}`,
	`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1.5}}`,
	`{"jsonrpc":"2.0","id":0,"result":{"Name":1,"name":2,"big":123456789012345678901234567890}}`,
	`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}`,
}

func TestAcceptedHasOneReading(t *testing.T) {
	for _, line := range acceptedFromClient {
		if err := oneReading(mustRead(t, line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		line := call(t)
		m, err := ReadClient([]byte(line), Limits{})
		if err != nil {
			refused++
			return
		}
		accepted++
		if err := oneReading(m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	})
	if accepted == 0 || refused == 0 {
		t.Errorf("the generator is one-sided: %d accepted, %d refused", accepted, refused)
	}
}

// The oracle must see what the reader refuses, or it proves nothing.
func TestOracleSeesDifferentials(t *testing.T) {
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","Name":"evil"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","name":"evil"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","arguments":{"a":{"b":1,"b":1}}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","Method":"ping","params":{"name":"safe"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","arguments":{"a\u0000":1}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","arguments":{"a":9007199254740993}}}`,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\r\"params\":{\"name\":\"safe\",\"arguments\":{\"a\":9007199254740993}}}",
	} {
		m := &Message{Raw: []byte(line), Kind: Request, Method: "tools/call", Name: "safe"}
		if at := bytes.Index(m.Raw, []byte(`{"a`)); at >= 0 {
			m.Arguments = m.Raw[at : len(m.Raw)-2]
		}
		if err := oneReading(m); err == nil {
			t.Errorf("the oracle accepts %s", line)
		}
	}
}

func FuzzReadServer(f *testing.F) {
	f.Add([]byte(list))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[]}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b","x":"\ud83d\ude00"}]}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"notifications/message","params":null}`))
	f.Add([]byte("INFO started"))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := ReadServer(line, Limits{})
		if err != nil {
			return
		}
		tools, err := Tools(m)
		if err != nil {
			return
		}
		odd := false
		kept := tools.Keep(func(string) bool { odd = !odd; return odd })
		again, err := ReadServer(kept, Limits{})
		if err != nil {
			t.Fatalf("what was kept cannot be read: %v\n%s", err, kept)
		}
		rest, err := Tools(again)
		if err != nil || len(rest.Tools) != (len(tools.Tools)+1)/2 || again.ID.Key() != m.ID.Key() {
			t.Fatalf("kept %+v of %+v, %v", rest, tools, err)
		}
		for i, tool := range rest.Tools {
			if !bytes.Equal(tool.Raw, tools.Tools[2*i].Raw) {
				t.Fatalf("tool %d changed", i)
			}
			if said, err := tool.Described(); err != nil || said["name"] != "" {
				t.Fatalf("what tool %d says of itself: %v, %v", i, said, err)
			}
		}
	})
}
