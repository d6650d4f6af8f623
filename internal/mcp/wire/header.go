package wire

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// DecodeHeader reads the value of a header that repeats something of a message,
// which may be written as =?base64?…?=; without both ends of that it is itself.
// Source: MCP 2026-07-28, transports: streamable HTTP.
func DecodeHeader(value string) (string, bool) {
	inner, ok := strings.CutPrefix(value, "=?base64?")
	if !ok {
		return value, true
	}
	if inner, ok = strings.CutSuffix(inner, "?="); !ok {
		return value, true
	}
	b, err := base64.StdEncoding.Strict().DecodeString(inner)
	return string(b), err == nil
}

// Parameter is an argument of a tool that a header Mcp-Param-NAME repeats.
// Source: MCP 2026-07-28, tools: x-mcp-header.
type Parameter struct {
	Path []string // of names, from the arguments down
	Name string
}

// members are those of an object; a map, so that keys count in their exact spelling.
type members map[string]json.RawMessage

// Parameters are the arguments of the tool that headers repeat. What does not
// name a header as it must is none.
func (t Tool) Parameters() []Parameter {
	var tool members
	if json.Unmarshal(t.Raw, &tool) != nil {
		return nil
	}
	return parameters(tool["inputSchema"], nil)
}

func parameters(raw json.RawMessage, path []string) (found []Parameter) {
	var s, properties members
	if json.Unmarshal(raw, &s) != nil || json.Unmarshal(s["properties"], &properties) != nil {
		return nil
	}
	for name, property := range properties {
		below := append(append([]string{}, path...), name)
		var p members
		var header string
		if json.Unmarshal(property, &p) == nil && json.Unmarshal(p["x-mcp-header"], &header) == nil && header != "" {
			found = append(found, Parameter{below, header})
		}
		found = append(found, parameters(property, below)...)
	}
	return found
}
