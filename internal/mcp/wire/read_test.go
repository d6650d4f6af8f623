package wire

import (
	"errors"
	"strings"
	"testing"
)

// refusedFromClient holds what must never be forwarded, with the code and the
// id the client is answered with.
var refusedFromClient = map[string]struct {
	line string
	code int
	id   string
	says string
}{
	// GHSA-wvj2-96wp-fq3f, CVE-2026-27896: keys matched without case.
	"a key of params in another case": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"evil","Name":"safe"}}`, CodeInvalidRequest, "1", "only by case"},
	"a key of the envelope in another case": {
		`{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`, CodeInvalidRequest, "1", "only by case"},
	"a key that folds through U+017F": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","argument\u017f":{}}}`, CodeInvalidRequest, "1", "only by case"},
	"a key that folds through U+212A, escaped": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","tas\u212a":{}}}`, CodeInvalidRequest, "1", "only by case"},
	// GHSA-q382-vc8q-7jhj, GO-2026-4770: a key with a NUL matched the key.
	"a key with a NUL behind it": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","name\u0000":"evil"}}`, CodeInvalidRequest, "1", "control character"},
	"a control character in a key deep in the arguments": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":[{"b\u007f":1}]}}}`, CodeInvalidRequest, "1", "control character"},
	"a control character in a key of a result": {
		`{"jsonrpc":"2.0","id":1,"result":{"a\n":1}}`, CodeInvalidRequest, "1", "control character"},
	// GHSA-4gph-2hhr-5mwg: duplicate keys, read differently by the two ends.
	"the method twice": {
		`{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, CodeInvalidRequest, "1", "occurs twice"},
	"a name twice, once escaped": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","\u006eame":"evil"}}`, CodeInvalidRequest, "1", "occurs twice"},
	"a key twice deep in the arguments": {
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":{"a":{"b":1,"b":2}}}}`, CodeInvalidRequest, "7", "occurs twice"},
	"a key twice in a free map": {
		`{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":{"a":1,"a":1}}}`, CodeInvalidRequest, "7", "occurs twice"},
	"the id twice": {
		`{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, CodeInvalidRequest, "null", "occurs twice"},
	"the id in another case, before the id": {
		`{"jsonrpc":"2.0","ID":1,"id":2,"method":"ping"}`, CodeInvalidRequest, "null", "only by case"},

	"a batch": {
		`[{"jsonrpc":"2.0","id":1,"method":"tools/call"}]`, CodeInvalidRequest, "null", "batches"},
	"a second value": {
		`{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call"}`, CodeParse, "null", "follows"},
	"garbage behind the object": {
		`{"jsonrpc":"2.0","id":1,"method":"ping"}]`, CodeParse, "null", "follows"},
	"a bare string": {`"ping"`, CodeInvalidRequest, "null", "not a JSON object"},
	"nothing":       {``, CodeParse, "null", "not valid JSON"},
	"an end in the middle": {
		`{"jsonrpc":"2.0","id":1,"method":"ping"`, CodeParse, "1", "ends too early"},
	"a byte order mark": {
		"\ufeff" + `{"jsonrpc":"2.0","id":1,"method":"ping"}`, CodeParse, "null", "byte order mark"},
	"invalid UTF-8": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + "\xff" + `"}}`, CodeParse, "1", "UTF-8"},
	"a lone surrogate": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}`, CodeParse, "1", "surrogates"},
	"NaN": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":NaN}}}`, CodeParse, "1", "not valid JSON"},
	"a raw control character in a string": {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\x01\"}", CodeParse, "1", "control characters"},
	// Python's text streams end a line at a bare carriage return, so the value
	// between two of them would become a message of its own.
	"a message hidden between carriage returns": {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"x\":\r{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\"}\r}}", CodeInvalidRequest, "1", "line break"},
	"a line feed": {
		"{\"jsonrpc\":\"2.0\",\n\"id\":1,\"method\":\"ping\"}", CodeInvalidRequest, "1", "line break"},

	"no version":        {`{"id":1,"method":"ping"}`, CodeInvalidRequest, "1", "jsonrpc is missing"},
	"another version":   {`{"jsonrpc":"1.0","id":1,"method":"ping"}`, CodeInvalidRequest, "1", "2.0"},
	"a numeric version": {`{"jsonrpc":2.0,"id":1,"method":"ping"}`, CodeInvalidRequest, "1", "2.0"},
	"an unknown envelope key": {
		`{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}`, CodeInvalidRequest, "1", "no such key"},
	"a request with a null id":    {`{"jsonrpc":"2.0","id":null,"method":"ping"}`, CodeInvalidRequest, "null", "null"},
	"an id that is a boolean":     {`{"jsonrpc":"2.0","id":true,"method":"ping"}`, CodeInvalidRequest, "null", "string or a number"},
	"an id that is an object":     {`{"jsonrpc":"2.0","id":{},"method":"ping"}`, CodeInvalidRequest, "null", "string or a number"},
	"an id with a huge exponent":  {`{"jsonrpc":"2.0","id":1e99999999999,"method":"ping"}`, CodeInvalidRequest, "null", "ordinary size"},
	"method beside result":        {`{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`, CodeInvalidRequest, "1", "beside"},
	"result beside error":         {`{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}`, CodeInvalidRequest, "1", "side by side"},
	"a result without an id":      {`{"jsonrpc":"2.0","result":{}}`, CodeInvalidRequest, "null", "no id"},
	"an error that is null":       {`{"jsonrpc":"2.0","id":1,"error":null}`, CodeInvalidRequest, "1", "must be an object"},
	"params without a method":     {`{"jsonrpc":"2.0","id":1,"result":{},"params":{}}`, CodeInvalidRequest, "1", "without a method"},
	"an id and nothing else":      {`{"jsonrpc":"2.0","id":1}`, CodeInvalidRequest, "1", "neither"},
	"a method that is no string":  {`{"jsonrpc":"2.0","id":1,"method":1}`, CodeInvalidRequest, "1", "must be a string"},
	"positional params":           {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["x"]}`, CodeInvalidRequest, "1", "object"},
	"params that are null":        {`{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`, CodeInvalidRequest, "1", "object"},
	"a call without a name":       {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, CodeInvalidRequest, "1", "/params/name"},
	"a call without params":       {`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, CodeInvalidRequest, "1", "/params/name"},
	"a name that is no string":    {`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":["x"]}}`, CodeInvalidRequest, "1", "/params/name"},
	"a read without a uri":        {`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"name":"x"}}`, CodeInvalidRequest, "1", "/params/uri"},
	"a task that is null":         {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","task":null}}`, CodeInvalidRequest, "1", "/params/task"},
	"a task without an id":        {`{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"name":"x"}}`, CodeInvalidRequest, "1", "/params/taskId"},
	"a task's id in another case": {`{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"x","taskID":"y"}}`, CodeInvalidRequest, "1", "only by case"},
	"a subscription to a task that is no text": {
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"taskIds":[1]}}}`, CodeInvalidRequest, "1", "/params/notifications/taskIds"},
	"arguments that are null":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":null}}`, CodeInvalidRequest, "1", "/params/arguments"},
	"arguments in a string":       {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":"{}"}}`, CodeInvalidRequest, "1", "/params/arguments"},
	"_meta that is an array":      {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}`, CodeInvalidRequest, "1", "_meta"},
	"a token that is an object":   {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":{}}}}`, CodeInvalidRequest, "1", "token"},
	"a cancelled id that is null": {`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":null}}`, CodeInvalidRequest, "null", "/params/requestId"},
	"an argument beyond 2^53-1": {
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":[9007199254740993]}}}`, CodeInvalidRequest, "1", "/params/arguments/a/0"},
	"an argument that overflows, before the method": {
		`{"params":{"arguments":{"a":1e400},"name":"x"},"jsonrpc":"2.0","id":1,"method":"tools/call"}`, CodeInvalidRequest, "1", "2^53"},
	"nesting beyond the limit": {
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}}`, CodeInvalidRequest, "1", "deeper"},
	"more bytes than the limit": {
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"` + strings.Repeat("x", 4096) + `"}}`, CodeParse, "null", "longer"},
}

func TestReadClientRefuses(t *testing.T) {
	for name, c := range refusedFromClient {
		t.Run(name, func(t *testing.T) {
			m, err := ReadClient([]byte(c.line), Limits{Bytes: 4096})
			var e *Error
			if m != nil || !errors.As(err, &e) || !errors.Is(err, ErrUnreadable) {
				t.Fatalf("got %+v, %v; want an *Error", m, err)
			}
			if e.Code != c.code || e.ID.String() != c.id || !strings.Contains(e.Error(), c.says) {
				t.Errorf("got code %d, id %s, %q; want %d, %s, %q", e.Code, e.ID, e, c.code, c.id, c.says)
			}
		})
	}
}

func TestErrorsNeverRepeatValues(t *testing.T) {
	const secret = "AKIAIOSFODNN7EXAMPLE"
	for _, line := range []string{
		`{"jsonrpc":"` + secret + `","id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":"` + secret + `"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":` + secret + `}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":"` + secret + `","a":1}}}`,
		`{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"x","a":"` + secret + `\ud800"}}`,
		`"` + secret + `"`, secret,
	} {
		if _, err := ReadClient([]byte(line), Limits{}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

func TestErrorPathIsShortAndQuoted(t *testing.T) {
	line := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"` + strings.Repeat("\u202e", 5000) + `":{"a":1,"a":2}}}`
	_, err := ReadClient([]byte(line), Limits{})
	if err == nil || len(err.Error()) > 2000 || strings.ContainsRune(err.Error(), '\u202e') {
		t.Errorf("got %v", err)
	}
}
