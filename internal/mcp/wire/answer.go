package wire

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What the proxy itself says may quote what a server or AWS said, so invalid
// UTF-8 is replaced rather than failing the answer.
var written = json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true))

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitzero"`
}

// ErrorResponse returns a JSON-RPC error response, without a line break; the id
// is null for the zero ID. Data must be a value that has a JSON form; it is
// left out if it is nil or has none.
func ErrorResponse(id ID, code int, message string, data any) []byte {
	e := rpcError{code, message, data}
	body, err := json.Marshal(e, written)
	if err != nil {
		e.Data = nil
		body, _ = json.Marshal(e, written) // a number and a string: cannot fail
	}
	return envelope(id, "error", body)
}

type toolResult struct {
	ResultType string         `json:"resultType,omitempty"`
	Content    []textContent  `json:"content"`
	IsError    bool           `json:"isError"`
	Meta       map[string]any `json:"_meta,omitempty"`
}

type textContent struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// ToolError returns the response to a tools/call that failed or was refused, a
// result the model reads, without a line break. Meta becomes the result's
// _meta: not structuredContent, which clients check against the tool's own
// output schema. Modern adds the resultType that MCP 2026-07-28 demands.
func ToolError(id ID, text string, meta map[string]any, modern bool) []byte {
	result := toolResult{Content: []textContent{{"text", text}}, IsError: true, Meta: meta}
	if modern {
		result.ResultType = "complete"
	}
	body, err := json.Marshal(result, written)
	if err != nil {
		result.Meta = nil
		body, _ = json.Marshal(result, written) // strings and a boolean: cannot fail
	}
	return envelope(id, "result", body)
}

func envelope(id ID, member string, body []byte) []byte {
	out := append([]byte(`{"jsonrpc":"2.0","id":`), id.String()...)
	out = append(out, `,"`+member+`":`...)
	out = append(out, body...)
	return append(out, '}')
}
