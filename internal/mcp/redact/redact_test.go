package redact

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

func redactor(t testing.TB, members ...string) *Redactor {
	t.Helper()
	r, err := New([]authz.Obligation{{Kind: authz.ObligationRedact, Members: members}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t testing.TB, line string) *wire.Message {
	t.Helper()
	m, err := wire.ReadServer([]byte(line), wire.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

const (
	mark    = `"[redacted by policy]"`
	inText  = `\"[redacted by policy]\"`
	sealed  = `"` + textMark + `"`
	result1 = `{"jsonrpc":"2.0","id":1,"result":`
)

func TestNamedMembersAreTakenOutAndNothingElseChanges(t *testing.T) {
	tests := []struct {
		name, result, want string
		count              int
	}{
		{"nothing to redact", `{ "content" : [], "big":9007199254740993,"f":1.50 }`, `{ "content" : [], "big":9007199254740993,"f":1.50 }`, 0},
		{"in structured content, at any depth", `{"structuredContent":{"a":[{"environment":[{"name":"K","value":"secret"}], "n":9007199254740993}]},"content":[]}`,
			`{"structuredContent":{"a":[{"environment":` + mark + `, "n":9007199254740993}]},"content":[]}`, 1},
		{"whatever the value is", `{"structuredContent":{"environment":null,"b":{"environment":1e400},"c":{"environment":{"secret":[]}}}}`,
			`{"structuredContent":{"environment":` + mark + `,"b":{"environment":` + mark + `},"c":{"environment":` + mark + `}}}`, 3},
		{"in another case, folded, escaped", `{"structuredContent":{"Environment":1,"ENVIRONMENT":2,"envir\u006fnment":3,"secretſ":4}}`,
			`{"structuredContent":{"Environment":` + mark + `,"ENVIRONMENT":` + mark + `,"envir\u006fnment":` + mark + `,"secretſ":` + mark + `}}`, 4},
		{"a longer name is another one", `{"structuredContent":{"environmentFiles":["x"],"note":"environmentFiles are listed, secretsmanager too"}}`,
			`{"structuredContent":{"environmentFiles":["x"],"note":"environmentFiles are listed, secretsmanager too"}}`, 0},
		{"in text that is JSON", `{"content":[{"type":"text","text":"{\"a\": \"\u00e9\", \"environment\":[\"secret\"],\"n\":9007199254740993}"}]}`,
			`{"content":[{"type":"text","text":"{\"a\": \"\u00e9\", \"environment\":` + inText + `,\"n\":9007199254740993}"}]}`, 1},
		{"in JSON in a code fence", "{\"content\":[{\"type\":\"text\",\"text\":\"Here:\\n```json\\n{\\n  \\\"environment\\\": \\\"secret\\\"\\n}\\n```\\nDone\"}]}",
			"{\"content\":[{\"type\":\"text\",\"text\":\"Here:\\n```json\\n{\\n  \\\"environment\\\": " + inText + "\\n}\\n```\\nDone\"}]}", 1},
		{"in JSON after a heading", `{"content":[{"type":"text","text":"DescribeTaskDefinition result:\n  [{\"secrets\":\"secret\"}]"}]}`,
			`{"content":[{"type":"text","text":"DescribeTaskDefinition result:\n  [{\"secrets\":` + inText + `}]"}]}`, 1},
		{"in lines of JSON", `{"content":[{"type":"text","text":"{\"secrets\":\"secret\"}\n{\"secrets\":\"secret\"}"}]}`,
			`{"content":[{"type":"text","text":"{\"secrets\":` + inText + `}\n{\"secrets\":` + inText + `}"}]}`, 2},
		{"in JSON in a string in JSON", `{"structuredContent":{"result":"{\"body\":\"{\\\"environment\\\":\\\"secret\\\"}\"}"}}`,
			`{"structuredContent":{"result":"{\"body\":\"{\\\"environment\\\":\\\"[redacted by policy]\\\"}\"}"}}`, 1},
		{"with a repeated name in text", `{"content":[{"type":"text","text":"{\"environment\":\"secret\",\"environment\":\"secret\"}"}]}`,
			`{"content":[{"type":"text","text":"{\"environment\":` + inText + `,\"environment\":` + inText + `}"}]}`, 2},
		{"prose that names one", `{"content":[{"type":"text","text":"Environment: PASSWORD=secret"},{"type":"text","text":"fine"}]}`,
			`{"content":[{"type":"text","text":` + sealed + `},{"type":"text","text":"fine"}]}`, 1},
		{"prose beside JSON", `{"content":[{"type":"text","text":"{\"a\":1}\nenvironment: secret"}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"a printed Python dictionary", `{"content":[{"type":"text","text":"{'environment': ['secret']}"}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"JSON that is cut off", `{"content":[{"type":"text","text":"{\"environment\":[\"secret"}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"a name that is escaped in what is no JSON", `{"content":[{"type":"text","text":"{\"\\u0065nvironment\":NaN, \"x\":\"secret\"}"}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"JSON that is printed as a string", `{"content":[{"type":"text","text":"\"{\\\"environment\\\":\\\"secret\\\"}\""}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"an embedded resource", `{"content":[{"type":"resource","resource":{"uri":"file:///a","text":"{\"secrets\":\"secret\"}"}}]}`,
			`{"content":[{"type":"resource","resource":{"uri":"file:///a","text":"{\"secrets\":` + inText + `}"}}]}`, 1},
		{"what is not text", `{"content":[{"type":"image","data":"c2VjcmV0","mimeType":"image/png"},{"type":"resource","resource":{"uri":"file:///a","blob":"c2VjcmV0"}}]}`,
			`{"content":[{"type":"image","data":"` + binaryMark + `","mimeType":"image/png"},{"type":"resource","resource":{"uri":"file:///a","blob":"` + binaryMark + `"}}]}`, 2},
		{"a resource that was read", `{"contents":[{"uri":"a:b","text":"{\"secrets\":\"secret\"}"},{"uri":"a:c","blob":"c2VjcmV0"}]}`,
			`{"contents":[{"uri":"a:b","text":"{\"secrets\":` + inText + `}"},{"uri":"a:c","blob":"` + binaryMark + `"}]}`, 2},
		{"a prompt", `{"messages":[{"role":"user","content":{"type":"text","text":"secrets=secret"}}]}`, `{"messages":[{"role":"user","content":{"type":"text","text":` + sealed + `}}]}`, 1},
		{"beside MCP's own members", `{"environment":"secret","content":[{"type":"text","text":"x","secrets":"secret"}],"_meta":{"secrets":"secret"}}`,
			`{"environment":` + mark + `,"content":[{"type":"text","text":"x","secrets":` + mark + `}],"_meta":{"secrets":` + mark + `}}`, 3},
	}
	r := redactor(t, "environment", "secrets")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line, count := r.Response(read(t, result1+tt.result+"}"))
			if want := result1 + tt.want + "}"; string(line) != want || count != tt.count {
				t.Errorf("got  %s, %d\nwant %s, %d", line, count, want, tt.count)
			}
			read(t, string(line))
		})
	}
}

func TestMembersWithinAnotherAreTakenOutThere(t *testing.T) {
	tests := []struct {
		name, result, want string
		count              int
	}{
		{"as the ECS API has it: the names stay, and tags", `{"structuredContent":{"tags":[{"key":"Environment","value":"staging"}],"environment":[{"name":"A","value":"secret"},{"value":"","name":"B"}]}}`,
			`{"structuredContent":{"tags":[{"key":"Environment","value":"staging"}],"environment":[{"name":"A","value":` + mark + `},{"value":` + mark + `,"name":"B"}]}}`, 2},
		{"at any depth, in any case, in text", `{"content":[{"type":"text","text":"{\"a\":[{\"Environment\":[{\"Value\":{\"b\":1}}]}]}"}]}`,
			`{"content":[{"type":"text","text":"{\"a\":[{\"Environment\":[{\"Value\":` + inText + `}]}]}"}]}`, 1},
		{"nothing", `{"structuredContent":{"a":{"environment":[]},"b":{"environment":null}}}`, `{"structuredContent":{"a":{"environment":[]},"b":{"environment":null}}}`, 0},
		{"an object of names and values", `{"structuredContent":{"environment":{"value":"secret","PASSWORD":"secret"}}}`, `{"structuredContent":{"environment":` + mark + `}}`, 1},
		{"a list of texts", `{"structuredContent":{"environment":["A=secret",7,["secret"]]}}`, `{"structuredContent":{"environment":[` + mark + `,` + mark + `,` + mark + `]}}`, 3},
		{"a list of other objects", `{"structuredContent":{"environment":[{"A":"secret","environment":[{"value":1},{"value":2}]},{"value":"secret"}]}}`,
			`{"structuredContent":{"environment":[` + mark + `,{"value":` + mark + `}]}}`, 2},
		{"a text", `{"structuredContent":{"environment":"[{\"value\":\"secret\"}]"}}`, `{"structuredContent":{"environment":` + mark + `}}`, 1},
		{"the inner member elsewhere", `{"structuredContent":{"value":"x","environmentFiles":[{"value":"arn:aws:s3:::b/prod.env"}]}}`,
			`{"structuredContent":{"value":"x","environmentFiles":[{"value":"arn:aws:s3:::b/prod.env"}]}}`, 0},
		{"one within another of its kind", `{"structuredContent":{"environment":[{"value":1,"more":{"secrets":[{"valueFrom":"secret"}]}}]}}`,
			`{"structuredContent":{"environment":[{"value":` + mark + `,"more":{"secrets":[{"valueFrom":` + mark + `}]}}]}}`, 2},
		{"a printed Python dictionary", `{"content":[{"type":"text","text":"{'environment': [{'name': 'A', 'value': 'secret'}]}"}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"lines of names and values", `{"content":[{"type":"text","text":"Environment variables:\n  A secret"}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"a table", `{"content":[{"type":"text","text":"| Environment | A=secret |"}]}`, `{"content":[{"type":"text","text":` + sealed + `}]}`, 1},
		{"a sentence about it", `{"structuredContent":{"error":"An error occurred (ClientException): names of environment variables must not be empty."}}`,
			`{"structuredContent":{"error":"An error occurred (ClientException): names of environment variables must not be empty."}}`, 0},
	}
	r := redactor(t, "environment.value", "secrets.valueFrom", "environment.other")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line, count := r.Response(read(t, result1+tt.result+"}"))
			if want := result1 + tt.want + "}"; string(line) != want || count != tt.count {
				t.Errorf("got  %s, %d\nwant %s, %d", line, count, want, tt.count)
			}
			read(t, string(line))
		})
	}
}

func TestErrorsAreRedactedToo(t *testing.T) {
	r := redactor(t, "environment")
	got, count := r.Response(read(t, `{"jsonrpc":"2.0","id":"environment","error":{"code":-1,"message":"environment=secret","data":{"environment":"secret"}},"environment":"secret"}`))
	want := `{"jsonrpc":"2.0","id":"environment","error":{"code":-1,"message":` + sealed + `,"data":{"environment":` + mark + `}},"environment":` + mark + `}`
	if string(got) != want || count != 3 {
		t.Errorf("got %s, %d", got, count)
	}
}

func TestMCPsOwnMembersKeepTheirForm(t *testing.T) {
	r := redactor(t, "content", "text", "type", "id", "result", "isError", "structuredContent", "data", "error")
	got, _ := r.Response(read(t, result1+`{"content":[{"type":"text","text":"{\"text\":\"secret\"}"}],"isError":false,"structuredContent":{"data":"secret"}}}`))
	want := result1 + `{"content":[{"type":"text","text":"{\"text\":` + inText + `}"}],"isError":false,"structuredContent":{"data":` + mark + `}}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNotificationsThatNameOneAreFound(t *testing.T) {
	r := redactor(t, "environment")
	for line, want := range map[string]bool{
		`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"environment":["secret"]}}}`:     true,
		`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"got Environment: secret"}}`:      true,
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"message":"environment=secret"}}`:    true,
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"environment","message":"step 1"}}`:    false,
		`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`:                                                      false,
		`{"jsonrpc":"2.0","id":"environment","method":"sampling/createMessage","params":{"messages":[{"content":"hello"}]}}`: false,
	} {
		if got := r.Mentions(read(t, line)); got != want {
			t.Errorf("%t: %s", got, line)
		}
	}
}

func TestWithoutObligationsNothingIsTouched(t *testing.T) {
	r, err := New(nil)
	if err != nil || r != nil {
		t.Fatal(r, err)
	}
	m := read(t, result1+`{"environment":1}}`)
	if line, count := r.Response(m); &line[0] != &m.Raw[0] || count != 0 || r.Mentions(m) {
		t.Error("touched")
	}
	if one := redactor(t, "a"); r.With(one) != one || one.With(nil) != one {
		t.Error("joining with nothing changes something")
	}
}

func TestWhatIsNotUnderstoodIsAnError(t *testing.T) {
	for name, o := range map[string]authz.Obligation{
		"no kind":                {Members: []string{"a"}},
		"an unknown kind":        {Kind: "encrypt", Members: []string{"a"}},
		"no members":             {Kind: authz.ObligationRedact},
		"an empty member":        {Kind: authz.ObligationRedact, Members: []string{"a", ""}},
		"nothing before the dot": {Kind: authz.ObligationRedact, Members: []string{".value"}},
		"nothing after the dot":  {Kind: authz.ObligationRedact, Members: []string{"environment."}},
		"two dots":               {Kind: authz.ObligationRedact, Members: []string{"overrides.environment.value"}},
		"a member too long":      {Kind: authz.ObligationRedact, Members: []string{strings.Repeat("a", 201)}},
	} {
		if r, err := New([]authz.Obligation{{Kind: authz.ObligationRedact, Members: []string{"a"}}, o}); err == nil {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestTwoObligationsAreCarriedOutTogether(t *testing.T) {
	r := redactor(t, "a").With(redactor(t, "b"))
	if got, count := r.Response(read(t, result1+`{"structuredContent":{"a":1,"b":2,"c":3}}}`)); count != 2 || !strings.Contains(string(got), `"b":`+mark+`,"c":3`) {
		t.Errorf("%s", got)
	}
	one, other := redactor(t, "l.a"), redactor(t, "l.b", "m.a")
	one.With(other)
	for r, want := range map[*Redactor]int{one: 1, other: 2, one.With(other): 3} {
		if got, count := r.Response(read(t, result1+`{"structuredContent":{"l":[{"a":1,"b":2}],"m":[{"a":3}]}}}`)); count != want {
			t.Errorf("%d: %s", count, got)
		}
	}
}

// Text that looks like JSON again and again costs no more than a little longer text.
func TestHostileTextIsCheap(t *testing.T) {
	r := redactor(t, "environment", "secrets.valueFrom")
	for name, text := range map[string]string{
		"one within another":               strings.Repeat(`{"secrets":[`, 1<<17),
		"open brackets on a million lines": strings.Repeat("[\n", 1<<20),
		"half an object on every line":     strings.Repeat("{\"a\":[1,2,\n", 1<<17),
		"deep brackets":                    strings.Repeat("[", 1<<20),
		"a name at every place":            strings.Repeat("environmentX", 1<<17),
		"escapes":                          strings.Repeat(`\u0041`, 1<<17),
	} {
		took := time.Hour
		for try := 0; took > 5*time.Second && try < 5; try++ { // once may be when the machine stands still
			since := time.Now()
			m := read(t, result1+`{"content":[{"type":"text","text":`+strconv.Quote(text)+`}]}}`)
			r.Response(m)
			took = min(took, time.Since(since))
		}
		if took > 5*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// Source: MCP 2026-07-28, extension io.modelcontextprotocol/tasks: tasks/get.
func TestTheAnswerInATaskIsRedactedAsAnAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		result, want string
		count        int
	}{
		"a task that goes on": {`{"resultType":"complete","taskId":"t","status":"working","ttlMs":1}`, `{"resultType":"complete","taskId":"t","status":"working","ttlMs":1}`, 0},
		"an answer": {`{"taskId":"t","result":{"content":[{"type":"image","data":"c2VjcmV0"},{"type":"text","text":"{\"secrets\":1}"}],"structuredContent":{"environment":1}}}`,
			`{"taskId":"t","result":{"content":[{"type":"image","data":"` + binaryMark + `"},{"type":"text","text":"{\"secrets\":` + inText + `}"}],"structuredContent":{"environment":` + mark + `}}}`, 3},
		"a failure":             {`{"taskId":"t","error":{"code":-1,"message":"no environment=secret","data":{"secrets":1}}}`, `{"taskId":"t","error":{"code":-1,"message":` + sealed + `,"data":{"secrets":` + mark + `}}}`, 2},
		"what it says of it":    {`{"taskId":"t","statusMessage":"environment: secret"}`, `{"taskId":"t","statusMessage":` + sealed + `}`, 1},
		"what it asks":          {`{"inputRequests":{"a":{"method":"elicitation/create","params":{"message":"secrets=secret"}}}}`, `{"inputRequests":{"a":{"method":"elicitation/create","params":{"message":` + sealed + `}}}}`, 1},
		"in MCP's earlier form": {`{"task":{"taskId":"t","statusMessage":"secrets: secret","secrets":1}}`, `{"task":{"taskId":"t","statusMessage":` + sealed + `,"secrets":` + mark + `}}`, 2},
		"content of its own":    {`{"resultType":"task","content":[{"type":"image","data":"c2VjcmV0"}]}`, `{"resultType":"task","content":[{"type":"image","data":"` + binaryMark + `"}]}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			line, count := redactor(t, "environment", "secrets").Polled(read(t, result1+tt.result+"}"))
			if want := result1 + tt.want + "}"; string(line) != want || count != tt.count {
				t.Errorf("got  %s, %d\nwant %s, %d", line, count, want, tt.count)
			}
		})
	}
}
