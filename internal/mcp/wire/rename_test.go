package wire

import (
	"fmt"
	"testing"
)

func TestOnlyTheIdsOfAMessageAreRenamed(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"a request with a progress token", `{"jsonrpc":"2.0", "params":{"_meta":{"progressToken":"t\u0031"},"x":5},"id": 5 ,"method":"elicitation/create"}`,
			`{"jsonrpc":"2.0", "params":{"_meta":{"progressToken":"2:\"t\\u0031\""},"x":5},"id": "2:5" ,"method":"elicitation/create"}`},
		{"a cancellation", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a","reason":"a"}}`,
			`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"2:\"a\"","reason":"a"}}`},
		{"a message without ids", `{"jsonrpc":"2.0","method":"notifications/message"}`, `{"jsonrpc":"2.0","method":"notifications/message"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ReadServer([]byte(tt.line), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			renamed := m.Rename(func(id ID) ID { return id.Of(2) })
			if string(renamed) != tt.want {
				t.Fatalf("got  %s\nwant %s", renamed, tt.want)
			}
			back, err := ReadClient(renamed, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			original := map[Key]ID{}
			for _, id := range []ID{m.ID, m.Token(), m.RequestID} {
				original[id.Of(2).Key()] = id
			}
			if got := back.Rename(func(id ID) ID { return original[id.Key()] }); string(got) != tt.line {
				t.Errorf("back: %s", got)
			}
		})
	}
}

// Whatever two servers use as ids: what the client sees is distinct.
func TestRenamedIdsAreDistinct(t *testing.T) {
	seen := map[Key]string{}
	for k := 1; k <= 12; k++ {
		for _, raw := range []string{`1`, `"1"`, `"1:1"`, `11`, `"2:1"`, `-1`, `"\"1\""`} {
			id, _ := parseID([]byte(raw))
			key := id.Of(k).Key()
			if other, ok := seen[key]; ok {
				t.Errorf("lane %d's %s is %s", k, raw, other)
			}
			seen[key] = fmt.Sprintf("lane %d's %s", k, raw)
		}
	}
}
