package redact

import "maps"

// level says how the members of an object are treated. MCP's own members keep
// their form whatever names policy lists, so that the answer stays an answer;
// what they hold is redacted like the rest.
type level struct {
	opaque map[string]bool   // not looked into: MCP's own words, and ids and tokens, which the client chose
	own    map[string]*level // MCP's own members, and how what they hold is treated
	binary map[string]bool   // base64, which cannot be looked into: withheld whole
}

// payload is what is nobody's form: every named member is redacted.
var payload = &level{}

// Source: MCP, schema: CallToolResult, GetPromptResult, ReadResourceResult, ContentBlock, ResourceContents.
var (
	resource = &level{
		own:    map[string]*level{"uri": payload, "mimeType": payload, "text": payload, "_meta": payload},
		binary: map[string]bool{"blob": true},
	}
	block = &level{
		opaque: map[string]bool{"type": true},
		own: map[string]*level{"text": payload, "mimeType": payload, "uri": payload, "name": payload,
			"annotations": payload, "_meta": payload, "resource": resource},
		binary: map[string]bool{"data": true, "blob": true},
	}
	prompted = &level{opaque: map[string]bool{"role": true}, own: map[string]*level{"content": block}}
	result   = &level{
		opaque: map[string]bool{"isError": true, "resultType": true},
		own:    map[string]*level{"content": block, "contents": resource, "messages": prompted, "structuredContent": payload, "_meta": payload},
	}
	failure  = &level{own: map[string]*level{"code": payload, "message": payload, "data": payload}}
	response = &level{
		opaque: map[string]bool{"jsonrpc": true, "id": true},
		own:    map[string]*level{"result": result, "error": failure},
	}
	// A task, which holds the answer of its call when it is over.
	// Source: MCP 2026-07-28, extension io.modelcontextprotocol/tasks: tasks/get.
	polled = result.with(map[string]*level{"result": result, "error": failure, "inputRequests": payload,
		"taskId": payload, "status": payload, "statusMessage": payload, "createdAt": payload, "lastUpdatedAt": payload})
	polling = &level{
		opaque: map[string]bool{"jsonrpc": true, "id": true},
		own:    map[string]*level{"result": polled, "error": failure},
	}
	telling = &level{
		opaque: map[string]bool{"jsonrpc": true, "method": true},
		own:    map[string]*level{"params": polled},
	}
	parameters = &level{opaque: map[string]bool{"progressToken": true, "requestId": true}}
	message    = &level{
		opaque: map[string]bool{"jsonrpc": true, "id": true, "method": true},
		own:    map[string]*level{"params": parameters},
	}
)

// below is how what a member holds is treated.
func (l *level) below(name string) *level {
	if own, ok := l.own[name]; ok {
		return own
	}
	return payload
}

// with is a level with more members of MCP's own.
func (l *level) with(more map[string]*level) *level {
	own := maps.Clone(l.own)
	maps.Copy(own, more)
	return &level{l.opaque, own, l.binary}
}

// isOwn reports whether a member is MCP's own.
func (l *level) isOwn(name string) bool {
	return l.own[name] != nil || l.opaque[name] || l.binary[name]
}
