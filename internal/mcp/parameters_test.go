package mcp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

func TestHeadersThatRepeatArgumentsMustSayTheSame(t *testing.T) {
	line := strings.Join(strings.Fields(`{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"t","x-mcp-header":"Odd","inputSchema":{"type":"object","properties":{
		"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},"b":{"type":"boolean","x-mcp-header":"B"},
		"plain":{"type":"string"},"empty":{"x-mcp-header":""},"number":{"x-mcp-header":1},"X":{"X-MCP-HEADER":"Case"},
		"deep":{"type":"object","properties":{"in":{"type":"string","x-mcp-header":"Deep"}}}}}}]}}`), "")
	m, err := wire.ReadServer([]byte(line), wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := wire.Tools(m)
	if err != nil {
		t.Fatal(err)
	}
	parameters := list.Tools[0].Parameters()
	if len(parameters) != 4 {
		t.Fatalf("parameters %v", parameters)
	}
	for _, tt := range []struct {
		name, arguments string
		headers         []string // NAME: VALUE
		want            string   // in the refusal; empty: it agrees
	}{
		{"nothing to repeat", `{}`, nil, ""},
		{"no arguments at all", ``, nil, ""},
		{"a string", `{"region":"us-east-1"}`, []string{"Region: us-east-1"}, ""},
		{"an escaped string", `{"region":"\u0075s"}`, []string{"Region: us"}, ""},
		{"in base64", `{"region":"é "}`, []string{"Region: =?base64?w6kg?="}, ""},
		{"in another case of base64's mark", `{"region":"x"}`, []string{"Region: =?BASE64?eA==?="}, "does not say"},
		{"in broken base64", `{"region":"x"}`, []string{"Region: =?base64?e?="}, "no base64"},
		{"without the end of base64", `{"region":"x"}`, []string{"Region: =?base64?eA=="}, "does not say"},
		{"that looks like the beginning of base64", `{"region":"=?base64?eA=="}`, []string{"Region: =?base64?eA=="}, ""},
		{"in base64 with bits to spare", `{"region":"x"}`, []string{"Region: =?base64?eB==?="}, "no base64"},
		{"another string", `{"region":"us-east-1"}`, []string{"Region: us-west-2"}, "Region does not say"},
		{"another case", `{"region":"us-east-1"}`, []string{"Region: US-EAST-1"}, "does not say"},
		{"an empty string", `{"region":""}`, []string{"Region: "}, ""},
		{"missing", `{"region":"us-east-1"}`, nil, "is missing"},
		{"without its argument", `{}`, []string{"Region: x"}, "stands there, and"},
		{"of null", `{"region":null}`, []string{"Region: x"}, "stands there, and"},
		{"null without it", `{"region":null}`, nil, ""},
		{"twice", `{"region":"x"}`, []string{"Region: x", "Region: y"}, "twice"},
		{"an integer", `{"n":42}`, []string{"N: 42"}, ""},
		{"an integer of another spelling", `{"n":4.2e1}`, []string{"N: 42.0"}, ""},
		{"another integer", `{"n":42}`, []string{"N: 43"}, "does not say"},
		{"a hexadecimal", `{"n":42}`, []string{"N: 0x2a"}, "does not say"},
		{"an infinite one", `{"n":42}`, []string{"N: Infinity"}, "does not say"},
		{"a fraction", `{"n":4.5}`, []string{"N: 4.5"}, "does not say"},
		{"a truth value", `{"b":false}`, []string{"B: false"}, ""},
		{"a truth value in another case", `{"b":true}`, []string{"B: True"}, "does not say"},
		{"an object", `{"region":{}}`, []string{"Region: {}"}, "does not say"},
		{"within an object", `{"deep":{"in":"x"}}`, []string{"Deep: x"}, ""},
		{"another within an object", `{"deep":{"in":"x"}}`, []string{"Deep: y"}, "does not say"},
		{"of something that repeats nothing", `{"plain":"x"}`, []string{"Plain: y", "Unknown: z"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := http.Header{}
			for _, h := range tt.headers {
				name, value, _ := strings.Cut(h, ": ")
				headers.Add("Mcp-Param-"+name, value)
			}
			err := agrees(&wire.Message{Arguments: []byte(tt.arguments)}, parameters, headers)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// A server at a URL gets the headers that came: they must not say to it what the
// call that was judged does not.
func TestHeadersThatTravelMustSayWhatWasJudged(t *testing.T) {
	tool := strings.Replace(manageTool, `"inputSchema":{}`, `"inputSchema":{"properties":{"api_operation":{"x-mcp-header":"Operation"}}}`, 1)
	call := strings.Replace(manage(1, "ListClusters", `{}`), `"params":{`, `"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},`, 1)
	for name, tt := range map[string]struct {
		headers   http.Header
		asks      bool
		forwarded bool
	}{
		"none":                 {nil, false, true},
		"what the call says":   {http.Header{"Mcp-Param-Operation": {"ListClusters"}}, true, true},
		"another operation":    {http.Header{"Mcp-Param-Operation": {"DeleteCluster"}}, true, false},
		"of another parameter": {http.Header{"Mcp-Param-Other": {"x"}}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "own", ownPolicy(t, allowAll, "", ""))
			tb.conversation.Headers, tb.conversation.HeadersTravel = func(wire.Key) http.Header { return tt.headers }, true
			tb.say(call)
			if tt.asks {
				asked, err := wire.ReadClient([]byte(tb.get()), wire.Limits{})
				check(t, err)
				tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[%s],"resultType":"complete"}}`, asked.ID, tool))
			}
			if tt.forwarded {
				wants(t, tb.get(), "ListClusters")
			} else {
				wants(t, tb.hear(), "-32020")
			}
		})
	}
}

// What a header is taken to repeat, it does repeat.
func FuzzHeadersRepeatArguments(f *testing.F) {
	f.Add("us-east-1", `"us-east-1"`)
	f.Add("=?base64?w6kg?=", `"é "`)
	f.Add("4.2e1", `42`)
	f.Add("true", `true`)
	f.Fuzz(func(t *testing.T, header, argument string) {
		why := disagrees([]byte(`{"a":`+argument+`}`), wire.Parameter{Path: []string{"a"}, Name: "A"}, []string{header})
		var value any
		if why != "" || json.Unmarshal([]byte(argument), &value) != nil {
			return
		}
		text, ok := wire.DecodeHeader(header)
		switch v := value.(type) {
		case string:
			ok = ok && text == v
		case float64:
			var again float64
			ok = ok && json.Unmarshal([]byte(text), &again) == nil && again == v
		case bool:
			ok = ok && text == fmt.Sprint(v)
		default:
			ok = false
		}
		if !ok {
			t.Errorf("%q is taken for %s", header, argument)
		}
	})
}
