package main

import "strings"

// bypass is a request that some reader takes for a call of undocumented_tool,
// which is allowed to nobody. Sources: GHSA-wvj2-96wp-fq3f, GHSA-q382-vc8q-7jhj,
// GHSA-4gph-2hhr-5mwg, CVE-2026-26308, GHSA-89xv-2j6f-qhc8, docker/mcp-gateway #414 and #418.
type bypass struct {
	name, body string
	headers    []string
}

const evil = "undocumented_tool"

var bypasses = []bypass{
	{"plain", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","arguments":{}}}`, nil},
	{"a second name", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","name":"undocumented_tool","arguments":{}}}`, nil},
	{"a second name, first", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","name":"containerize_app","arguments":{}}}`, nil},
	{"a second name, escaped", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","\u006eame":"undocumented_tool","arguments":{}}}`, nil},
	{"a name in another case", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","Name":"undocumented_tool","arguments":{}}}`, nil},
	{"a name with NUL", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","name\u0000":"undocumented_tool","arguments":{}}}`, nil},
	{"a name that folds", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","argument\u017f":{},"arguments":{"x":"undocumented_tool"}}}`, nil},
	{"a second method", `{"jsonrpc":"2.0","id":9,"method":"ping","method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"a method in another case", `{"jsonrpc":"2.0","id":9,"method":"ping","Method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"second params", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app"},"params":{"name":"undocumented_tool"}}`, nil},
	{"a batch", `[{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}]`, nil},
	{"a batch under 2025-03-26", `[{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}]`, []string{"Mcp-Protocol-Version: 2025-03-26"}},
	{"a second message on the line", `{"jsonrpc":"2.0","id":8,"method":"ping"}{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"a second message on a second line", "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"undocumented_tool\"}}", nil},
	{"a byte order mark", "\ufeff" + `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"as a notification", `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"under the id null", `{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"as an answer with a method", `{"jsonrpc":"2.0","id":9,"result":{},"method":"tools/call","params":{"name":"undocumented_tool"}}`, nil},
	{"as a task", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","task":{"ttl":1}}}`, nil},
	{"as a method of tasks", `{"jsonrpc":"2.0","id":9,"method":"tasks/result","params":{"taskId":"undocumented_tool"}}`, nil},
	{"as a task of an allowed tool", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","task":{"ttl":1},"arguments":{"x":"undocumented_tool"}}}`, nil},
	{"as an update of a task", `{"jsonrpc":"2.0","id":9,"method":"tasks/update","params":{"taskId":"undocumented_tool","inputResponses":{}}}`, nil},
	{"as a look at a task", `{"jsonrpc":"2.0","id":9,"method":"tasks/get","params":{"taskId":"undocumented_tool"}}`, nil},
	{"as an answer to nothing that was asked", `{"jsonrpc":"2.0","id":"s1","result":{"action":"accept","content":{"call":"undocumented_tool"}}}`, nil},
	{"as a notification that nobody knows", `{"jsonrpc":"2.0","method":"notifications/call","params":{"name":"undocumented_tool"}}`, nil},
	{"as a retry under a session", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","inputResponses":{"a":{}},"requestState":"allowed"}}`, nil},
	{"as a retry with a state of another case", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","requestState":"a","RequestState":"undocumented_tool"}}`, nil},
	{"as a prompt", `{"jsonrpc":"2.0","id":9,"method":"prompts/get","params":{"Name":"undocumented_tool","name":"undocumented_tool","uri":"x"}}`, nil},
	{"with a header that names another", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: containerize_app"}},
	{"with a header that hides the method", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list"}},
	{"as a retry that names another tool", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","inputResponses":{"a":{}},"requestState":"allowed","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: undocumented_tool"}},
	{"two names in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: containerize_app", "+Mcp-Name: undocumented_tool"}},
	{"two methods in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list", "+Mcp-Method: tools/call", "Mcp-Name: undocumented_tool"}},
	{"two versions in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Mcp-Protocol-Version: 2025-11-25", "+Mcp-Protocol-Version: 2026-07-28"}},
	{"two sessions in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"+Mcp-Session-Id: another"}},
	{"two tokens in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"+Authorization: Bearer another"}},
	{"two content types in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"+Content-Type: text/plain"}},
	{"two parameters in headers", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"containerize_app","arguments":{"app_path":"/srv/x","port":80},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		[]string{"Mcp-Session-Id: ", "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: containerize_app", "Mcp-Param-Region: a", "+Mcp-Param-Region: undocumented_tool"}},
	{"in another charset", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Content-Type: application/json; charset=utf-16"}},
	{"as a form", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Content-Type: text/plain"}},
	{"said to be compressed", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Content-Encoding: gzip"}},
	{"under another method", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"X-Http-Method-Override: GET"}},
	{"invalid UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"undocumented_tool\",\"x\":\"\xff\"}}", nil},
	{"a lone surrogate", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","x":"\ud800"}}`, nil},
	{"depth", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`, nil},
	{"an unknown version", `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"undocumented_tool"}}`, []string{"Mcp-Protocol-Version: 2099-01-01"}},
}
