package mcp

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// codeHeaderMismatch is MCP's. Source: MCP 2026-07-28, transports: streamable HTTP.
const codeHeaderMismatch = -32020

// agrees refuses a call whose headers Mcp-Param-… are not what its arguments say.
// A server that is started here does not see them, so this stands in its place; one
// at a URL does, and what came must not say to it what was not judged. What is decided
// on is the body, but something in between may have decided on them.
func agrees(m *wire.Message, parameters []wire.Parameter, headers http.Header) error {
	for _, p := range parameters {
		if why := disagrees(m.Arguments, p, headers.Values("Mcp-Param-"+p.Name)); why != "" {
			text := fmt.Sprintf("the header Mcp-Param-%s %s", short(p.Name), why)
			return &refusal{classHeader, text, text}
		}
	}
	return nil
}

func disagrees(arguments json.RawMessage, p wire.Parameter, values []string) string {
	argument, there := argumentAt(arguments, p.Path)
	switch {
	case len(values) > 1:
		return "stands there twice"
	case !there && len(values) > 0:
		return "stands there, and the argument that it repeats does not"
	case !there:
		return ""
	case len(values) == 0:
		return "is missing: the call has the argument that it repeats"
	}
	value, ok := wire.DecodeHeader(values[0])
	if !ok {
		return "is no base64"
	}
	if !repeats(value, argument) {
		return "does not say what the argument says"
	}
	return ""
}

// argumentAt finds an argument; null is as if it were not there.
func argumentAt(arguments json.RawMessage, path []string) (json.RawMessage, bool) {
	for _, name := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(arguments, &object) != nil { // of one reading: keys are unique
			return nil, false
		}
		var ok bool
		if arguments, ok = object[name]; !ok {
			return nil, false
		}
	}
	return arguments, len(path) > 0 && string(arguments) != "null"
}

// repeats reports whether a header's text is an argument, which must be a string,
// a truth value or an integer that every reader keeps exactly.
func repeats(text string, argument json.RawMessage) bool {
	var value any
	if json.Unmarshal(argument, &value) != nil {
		return false
	}
	switch v := value.(type) {
	case string:
		return text == v
	case bool:
		return text == strconv.FormatBool(v)
	case float64:
		const most = 1<<53 - 1
		n, err := strconv.ParseFloat(text, 64)
		return err == nil && json.Valid([]byte(text)) && strings.TrimSpace(text) == text && n == v && v == math.Trunc(v) && math.Abs(v) <= most
	}
	return false
}
