package wire

import (
	"bytes"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// The known keys of the envelope, and of params of every method that is
// decided or tracked. No reader may take another key for one of them.
var (
	envelopeKeys = []string{"jsonrpc", "id", "method", "params", "result", "error"}
	paramsKeys   = []string{"name", "arguments", "uri", "task", "_meta", "requestId", "progressToken", "inputResponses", "requestState", "notifications", "taskId"}
	// notificationsKeys are those of params.notifications of subscriptions/listen.
	// Source: MCP 2026-07-28, subscriptions; its extension io.modelcontextprotocol/tasks.
	notificationsKeys = []string{"toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions", "taskIds"}
)

// checkKey decodes a quoted key and refuses one that some reader would take
// for another: control characters (readers that stop at NUL) and spellings
// that fold onto a known key (readers that ignore case, and with it U+017F and
// U+212A).
func checkKey(quoted []byte, known []string) (key []byte, reason string) {
	key = quoted[1 : len(quoted)-1]
	if !isPlain(key) {
		var err error
		if key, err = jsontext.AppendUnquote(nil, quoted); err != nil {
			return nil, "the key is not a valid string"
		}
		if bytes.ContainsFunc(key, unicode.IsControl) {
			return nil, "the key holds a control character; send the plain key"
		}
	}
	for _, k := range known {
		if string(key) == k {
			return key, ""
		}
	}
	for _, k := range known {
		if bytes.EqualFold(key, []byte(k)) {
			return nil, "the key differs from a known key only by case; send it in the exact spelling"
		}
	}
	return key, ""
}

// isPlain: printable ASCII without an escape needs no decoding.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

func trimControls(b []byte) []byte { return bytes.TrimFunc(b, unicode.IsControl) }
