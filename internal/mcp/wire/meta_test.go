package wire

import (
	"encoding/json"
	"testing"
)

func TestMetaIsSetWhateverTheClientSays(t *testing.T) {
	set := map[string]string{"AWS_REGION": "us-east-1"}
	for name, tt := range map[string][2]string{
		"no params":        {`{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"AWS_REGION":"us-east-1"}}}`},
		"space at the end": {`{"jsonrpc":"2.0","id":1,"method":"ping"} `, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"AWS_REGION":"us-east-1"}}} `},
		"empty params":     {`{"jsonrpc":"2.0","id":1,"params":{ },"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"params":{"_meta":{"AWS_REGION":"us-east-1"} },"method":"ping"}`},
		"params":           {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1e2}}`, `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"AWS_REGION":"us-east-1"},"a":1e2}}`},
		"empty meta":       {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{}}}`, `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"AWS_REGION":"us-east-1"}}}`},
		"other meta":       {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progressToken": 7, "b":[ 1 ]}}}`, `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"AWS_REGION":"us-east-1","progressToken":7,"b":[ 1 ]}}}`},
		"a client's own":   {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"AWS_REGION":"eu-west-1","b":1}}}`, `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"AWS_REGION":"us-east-1","b":1}}}`},
		"in another case":  {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"aws_region":"eu-west-1"}}}`, `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"AWS_REGION":"us-east-1"}}}`},
		"escaped":          {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"\u0041WS_REGION":"eu-west-1"}}}`, `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"AWS_REGION":"us-east-1"}}}`},
		"a notification":   {`{"jsonrpc":"2.0","method":"notifications/initialized"}`, `{"jsonrpc":"2.0","method":"notifications/initialized","params":{"_meta":{"AWS_REGION":"us-east-1"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ReadClient([]byte(tt[0]), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.WithMeta(set)
			if err != nil || string(got) != tt[1] {
				t.Fatalf("%v: %s", err, got)
			}
			if _, err := ReadClient(got, Limits{}); err != nil {
				t.Errorf("it does not read any more: %v", err)
			}
		})
	}
}

func FuzzMetaIsSetOnce(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":[1]},"_meta":{"aws_Region":"x","progressToken":"t"}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":"}","method":"ping"} `))
	f.Add([]byte(`{"params":{},"method":"notifications/initialized","jsonrpc":"2.0"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := ReadClient(line, Limits{})
		if err != nil || m.Kind == Response {
			return
		}
		out, err := m.WithMeta(map[string]string{"AWS_REGION": "us-east-1"})
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadClient(out, Limits{Bytes: len(out), Depth: 200})
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		var meta map[string]json.RawMessage
		if err := json.Unmarshal(again.Meta, &meta); err != nil || string(meta["AWS_REGION"]) != `"us-east-1"` {
			t.Fatalf("%s: %v", out, err)
		}
		for name := range meta {
			if name != "AWS_REGION" && hasFolded(map[string]string{"AWS_REGION": ""}, name) {
				t.Fatalf("two: %s", out)
			}
		}
		if again.Method != m.Method || again.ID.Key() != m.ID.Key() || string(again.Arguments) != string(m.Arguments) || again.Name != m.Name || string(again.ProgressToken) != string(m.ProgressToken) {
			t.Fatalf("changed: %s", out)
		}
	})
}
