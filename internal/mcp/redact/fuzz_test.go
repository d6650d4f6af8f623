package redact

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// Whatever a server answers: the result is one readable message with the same
// id, no value of a named member is left in it wherever it can be read as JSON,
// and redacting it again finds no more such values.
func FuzzResponse(f *testing.F) {
	for _, result := range []string{
		`{"structuredContent":{"environment":[{"name":"K","value":"v"}],"n":9007199254740993}}`,
		`{"content":[{"type":"text","text":"{\"environment\":[1],\"environment\":[2]}"}]}`,
		"{\"content\":[{\"type\":\"text\",\"text\":\"```json\\n{\\\"Secrets\\\":1}\\n``` environment\"}]}",
		`{"content":[{"type":"image","data":"AAAA"},{"type":"resource","resource":{"blob":"AAAA","text":"[\"\\u0065nvironment\"]"}}]}`,
		`{"messages":[{"role":"user","content":{"type":"text","text":"{\"a\":\"{\\\"secrets\\\":1}\"}"}}]}`,
		`{"structuredContent":{"tokens":[{"name":"K","value":"v"},"x",{"a":1}],"b":{"tokens":{"value":1}}},"content":[{"type":"text","text":"tokens: x"}]}`,
		`{"contents":[{"text":"{\"a\":\"\\ud800\",\"ſecrets\":1}"}]}`,
	} {
		f.Add([]byte(result1 + result + `}`))
	}
	f.Add([]byte(`{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"environment","data":"x"},"secrets":1}`))
	r := redactor(f, "environment", "secrets", "tokens.value")
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := wire.ReadServer(line, wire.Limits{})
		if err != nil {
			return
		}
		r.Mentions(m)
		if m.Kind != wire.Response {
			return
		}
		out, count := r.Response(m)
		if count == 0 && !bytes.Equal(out, line) {
			t.Fatalf("changed without a count\n%s\n%s", line, out)
		}
		again, err := wire.ReadServer(out, wire.Limits{Bytes: 1 << 30})
		if err != nil || again.ID.Key() != m.ID.Key() {
			t.Fatalf("%s became %s: %v", line, out, err)
		}
		var whole map[string]any
		if err := json.Unmarshal(out, &whole); err != nil {
			return // numbers beyond float64
		}
		for name, value := range whole {
			if name != "id" && name != "jsonrpc" {
				left(t, out, name, value)
			}
		}
		if _, more := r.Response(again); more > count {
			t.Fatalf("%d values are left of %d\n%s", more, count, out)
		}
	})
}

// left fails if value holds what should have been taken out.
func left(t *testing.T, out []byte, name string, value any) {
	if (strings.EqualFold(name, "environment") || strings.EqualFold(name, "secrets")) && value != valueMark {
		t.Fatalf("%s is left in %s", name, out)
	}
	if list, ok := value.([]any); strings.EqualFold(name, "tokens") && value != nil && (ok || value != valueMark) {
		for _, entry := range list {
			o, isObject := entry.(map[string]any)
			some := false
			for name, value := range o {
				some = some || strings.EqualFold(name, "value") && value == valueMark
			}
			if entry != valueMark && (!isObject || !some) {
				t.Fatalf("%s holds %v in %s", name, entry, out)
			}
		}
		if !ok {
			t.Fatalf("%s is left in %s", name, out)
		}
	}
	switch v := value.(type) {
	case map[string]any:
		for name, value := range v {
			left(t, out, name, value)
		}
	case []any:
		for _, value := range v {
			left(t, out, "", value)
		}
	case string:
		var inner any
		if trimmed := strings.TrimSpace(v); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
			if json.Unmarshal([]byte(trimmed), &inner) == nil {
				left(t, out, "", inner)
			}
		}
	}
}
