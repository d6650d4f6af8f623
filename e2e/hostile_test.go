//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// raw is a client that writes any bytes whatever and reads line by line.
type raw struct {
	*session
	lines chan string
}

func openRaw(t *testing.T, p persona) *raw {
	t.Helper()
	r := &raw{session: launch(t, p), lines: make(chan string, 64)}
	go func() {
		defer close(r.lines)
		in := bufio.NewReader(r.out)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			r.lines <- line
		}
	}()
	r.send(t, `{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"e2e","version":"1"}}}`)
	if a := r.next(t); a.Error != nil {
		t.Fatalf("initialize: %+v", a.Error)
	}
	r.send(t, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return r
}

func (r *raw) send(t *testing.T, line string) {
	t.Helper()
	if _, err := r.in.Write([]byte(line + "\n")); err != nil {
		t.Fatalf("send: %v\n%s", err, r.stderr.String())
	}
}

// reply is a JSON-RPC answer.
type reply struct {
	ID    json.RawMessage `json:"id"`
	Error *struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
	Result *struct {
		IsError bool `json:"isError"`
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"result"`
}

func (r *raw) next(t *testing.T) reply {
	t.Helper()
	select {
	case line, ok := <-r.lines:
		var a reply
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("read answer %.200q (open: %t): %v\n%s", line, ok, err, r.stderr.String())
		}
		return a
	case <-time.After(patience):
		t.Fatalf("no answer in %s\n%s", patience, r.stderr.String())
	}
	return reply{}
}

// toolError is the pretended code of a refusal that the model reads.
const toolError = 0

func callLine(id int, tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, tool, arguments)
}

func TestBadInputGetsOneClearErrorAndTheConversationGoesOn(t *testing.T) {
	const operate, list = "ecs_resource_management", `{"api_operation":"ListClusters","api_params":{}}`
	r := openRaw(t, everything)
	cases := []struct {
		name, line string
		id         string
		code       int
		want       string // in the message
	}{
		{"garbage", "GET / HTTP/1.1", "null", -32700, "not valid JSON"},
		{"an empty object", "{}", "null", -32600, "jsonrpc"},
		{"a line of 10 MiB", callLine(7, operate, `{"api_operation":"`+strings.Repeat("A", 10<<20)+`"}`), "7", -32700, "limit"},
		{"a duplicate key", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"containerize_app","name":"delete_app","arguments":{}}}`, "7", -32600, "twice"},
		{"a duplicate key in another spelling, GHSA-q382-vc8q-7jhj", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"containerize_app","\u006eame":"delete_app","arguments":{}}}`, "7", -32600, "twice"},
		{"a duplicate key deep in the arguments", callLine(7, operate, `{"api_operation":"DeleteService","api_params":{"cluster":"staging","cluster":"production","service":"web"}}`), "7", -32600, "twice"},
		{"a case variant, CVE-2026-27896", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"containerize_app","Name":"delete_app","arguments":{}}}`, "7", -32600, "Name"},
		{"a fold variant, CVE-2026-27896", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"containerize_app","argument\u017f":{}}}`, "7", -32600, "argument"},
		{"a key with NUL", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"containerize_app","name\u0000":"delete_app"}}`, "7", -32600, "control"},
		{"a batch", "[" + callLine(7, operate, list) + "]", "null", -32600, "batch"},
		{"two values on a line", callLine(7, operate, list) + callLine(8, operate, list), "null", -32700, "something follows"},
		{"invalid UTF-8", callLine(7, operate, "{\"api_operation\":\"List\xffClusters\"}"), "7", -32700, "not valid UTF-8"},
		{"a lone surrogate", callLine(7, operate, `{"api_operation":"\ud800"}`), "7", -32700, "surrogate"},
		{"too deep", callLine(7, operate, `{"api_params":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+`}`), "7", -32600, "deep"},
		{"an unknown method", `{"jsonrpc":"2.0","id":7,"method":"tools/explode"}`, "7", -32601, "tools/explode"},
		{"an unknown tool", callLine(7, "ecs_resource_managment", list), "7", -32602, "Unknown tool"},
		{"an unknown operation", callLine(7, operate, `{"api_operation":"DeleteEverything","api_params":{}}`), "7", toolError, "api_operation"},
		{"an operation in another case", callLine(7, operate, `{"api_operation":"listClusters","api_params":{}}`), "7", toolError, "ListClusters"},
		{"an operation that AWS does not have", callLine(7, operate, `{"api_operation":"ListExpressGatewayServices","api_params":{}}`), "7", toolError, "no such"},
		{"parameters as text", callLine(7, operate, `{"api_operation":"ListClusters","api_params":"{}"}`), "7", toolError, "api_params"},
		{"a number for a name", callLine(7, operate, `{"api_operation":"DescribeServices","api_params":{"cluster":7,"services":["web"]}}`), "7", toolError, "cluster"},
		{"an unknown parameter", callLine(7, operate, `{"api_operation":"ListServices","api_params":{"Cluster":"production"}}`), "7", toolError, "did you mean"},
		{"an unknown argument", callLine(7, operate, `{"api_operation":"ListClusters","api_params":{},"profile":"admin"}`), "7", toolError, "profile"},
		{"a wildcard for a name", callLine(7, operate, `{"api_operation":"DescribeServices","api_params":{"cluster":"*","services":["web"]}}`), "7", toolError, "cluster"},
		{"another region's ARN", callLine(7, operate, `{"api_operation":"ListServices","api_params":{"cluster":"arn:aws:ecs:us-west-2:123456789012:cluster/staging"}}`), "7", toolError, "region"},
		{"another account's ARN", callLine(7, operate, `{"api_operation":"ListServices","api_params":{"cluster":"arn:aws:ecs:us-east-1:999999999999:cluster/staging"}}`), "7", toolError, "account"},
		{"a number that has no one reading", callLine(7, operate, `{"api_operation":"UpdateService","api_params":{"cluster":"staging","service":"web","desiredCount":9007199254740993}}`), "7", -32600, "2^53"},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			mark := world.recorder.Mark()
			r.send(t, c.line)
			a := r.next(t)
			if string(a.ID) != c.id {
				t.Errorf("answered id %s, want %s", a.ID, c.id)
			}
			code, message := a.outcome()
			if code != c.code || !strings.Contains(message, c.want) {
				t.Errorf("got %d %.300q, want %d with %q", code, message, c.code, c.want)
			}
			if !strings.Contains(message+a.data(), "ecs-mcp-proxy") && code != -32602 {
				t.Errorf("the answer does not say who refused: %q", message)
			}
			if asked := world.recorder.Since(mark); len(asked) > 0 {
				t.Errorf("AWS was asked: %v", asked)
			}
			// One answer, not two, and the conversation goes on with the server.
			r.send(t, callLine(1000+i, operate, list))
			good := r.next(t)
			if code, message := good.outcome(); string(good.ID) != fmt.Sprint(1000+i) || code != toolOK || !strings.Contains(message, "cluster/staging") {
				t.Errorf("after it: id %s, %d %.200q", good.ID, code, message)
			}
		})
	}
	refusals(t, r.session, len(cases))
}

// toolOK is the pretended code of a call that went well.
const toolOK = 1

func (a reply) outcome() (code int, message string) {
	switch {
	case a.Error != nil:
		return a.Error.Code, a.Error.Message
	case a.Result == nil || len(a.Result.Content) == 0:
		return -1, ""
	case a.Result.IsError:
		return toolError, a.Result.Content[0].Text
	}
	return toolOK, a.Result.Content[0].Text
}

func (a reply) data() string {
	if a.Error == nil {
		return ""
	}
	return string(a.Error.Data)
}

// refusals checks that each refused line has exactly one record.
func refusals(t *testing.T, s *session, want int) {
	t.Helper()
	records, _, err := readAudit(s.audit, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, r := range records {
		if r.Phase == audit.PhaseRefusal {
			got++
		}
	}
	if got != want {
		t.Errorf("%d refusals on record, want %d", got, want)
	}
}
