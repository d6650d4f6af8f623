package wire

import "encoding/json"

// modernKey in params._meta carries the protocol version of one message.
// Source: MCP 2026-07-28, basic: _meta.
const modernKey = "io.modelcontextprotocol/protocolVersion"

// capabilitiesKey in params._meta is what the client that sends a message can do.
// Source: MCP 2026-07-28, basic: _meta.
const capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"

// subscriptionKey in params._meta of a notification is the id of the request
// that subscribed to it. Source: MCP 2026-07-28, subscriptions.
const subscriptionKey = "io.modelcontextprotocol/subscriptionId"

// relatedKey in params._meta names the task that a message belongs to. A server may
// then treat the message as that task's. Source: MCP 2025-11-25, basic: tasks, related task metadata.
const relatedKey = "io.modelcontextprotocol/related-task"

// maxTraceparent is more than one in quotes has. Source: W3C Trace Context, traceparent.
const maxTraceparent = 128

// params holds the members of params that some method gives a meaning. The
// method may stand behind params, so they are noted first and interpreted when
// the whole envelope is known.
type params struct {
	name, uri, arguments, token, requestID json.RawMessage

	meta, metaToken, version, subscription, traceparent    json.RawMessage
	capabilities, metaCapabilities                         json.RawMessage
	notifications, resources, inputResponses, requestState json.RawMessage
	task, taskID, taskIDs                                  json.RawMessage
	related                                                *string
	cursor                                                 bool
}

func (r *reader) readParams() (json.RawMessage, *Error) {
	if r.dec.PeekKind() != '{' {
		v, err := r.value(false)
		if err == nil && r.client {
			err = r.refuse("params must be an object; leave it out if there are none")
		}
		return v, err
	}
	var known []string // a server's params are free
	if r.client {
		known = paramsKeys
	}
	p := &r.params
	return r.object(known, func(key []byte) (err *Error) {
		switch string(key) {
		case "name":
			p.name, err = r.value(false)
		case "uri":
			p.uri, err = r.value(false)
		case "arguments":
			p.arguments, err = r.value(r.client)
		case "progressToken":
			p.token, err = r.value(false)
		case "requestId":
			p.requestID, err = r.value(false)
		case "_meta":
			err = r.meta()
		case "capabilities":
			p.capabilities, err = r.value(false)
		case "inputResponses":
			p.inputResponses, err = r.value(false)
		case "requestState":
			p.requestState, err = r.value(false)
		case "cursor":
			p.cursor = true
			_, err = r.value(false)
		case "notifications":
			err = r.notifications()
		case "task":
			p.task, err = r.value(false)
		case "taskId":
			p.taskID, err = r.value(false)
		default:
			_, err = r.value(false)
		}
		return err
	})
}

func (r *reader) meta() *Error {
	if r.dec.PeekKind() != '{' {
		_, err := r.value(false)
		if err == nil && r.client {
			err = r.refuse("_meta must be an object; leave it out if it is empty")
		}
		return err
	}
	meta, err := r.object(nil, func(key []byte) *Error {
		if r.client && string(key) == relatedKey {
			return r.relatedTask()
		}
		v, err := r.value(false)
		switch string(key) {
		case "progressToken":
			r.params.metaToken = v
		case modernKey:
			r.params.version = v
		case capabilitiesKey:
			r.params.metaCapabilities = v
		case subscriptionKey:
			r.params.subscription = v
		case "traceparent":
			r.params.traceparent = v
		}
		return err
	})
	if r.client {
		r.params.meta = meta
	}
	return err
}

// relatedTask reads which task a client's message belongs to.
func (r *reader) relatedTask() *Error {
	if r.dec.PeekKind() != '{' {
		if _, err := r.value(false); err != nil {
			return err
		}
		return r.refuse("a related task must be an object")
	}
	_, id, err := r.task()
	r.params.related = &id
	return err
}

// interpret gives the members of params the meaning they have for the method.
// A server's params are taken as they come: what cannot be used is left out.
func (r *reader) interpret(m *Message) *Error {
	p := r.params
	m.HasTask, m.HasCursor, m.ModernVersion, m.ProgressToken, m.Meta = p.task != nil, p.cursor, p.version != nil, p.metaToken, p.meta
	m.SubscriptionID, _ = parseID(p.subscription)
	if isText(p.version) {
		m.Version, _ = unquote(p.version) // valid: the decoder has read it
	}
	if isText(p.traceparent) && len(p.traceparent) <= maxTraceparent {
		m.Traceparent, _ = unquote(p.traceparent)
	}
	subject, path := json.RawMessage(nil), ""
	switch m.Method {
	case "tools/call", "prompts/get":
		subject, path = p.name, "/params/name"
		m.Arguments = p.arguments
	case "resources/read", "resources/subscribe", "resources/unsubscribe":
		subject, path = p.uri, "/params/uri"
	case "tasks/get", "tasks/result", "tasks/update", "tasks/cancel", "notifications/tasks/status", "notifications/tasks":
		subject, path = p.taskID, "/params/taskId"
	case "notifications/progress":
		m.ProgressToken = p.token
	case "notifications/cancelled":
		m.RequestID, _ = parseID(p.requestID)
	}
	if m.Capabilities = p.metaCapabilities; m.Method == "initialize" {
		m.Capabilities = p.capabilities
	}
	m.InputResponses, m.RequestState = p.inputResponses, p.requestState
	if isText(subject) {
		m.Name, _ = unquote(subject) // valid: the decoder has read it
	}
	if !r.client {
		if _, ok := parseID(m.ProgressToken); !ok {
			m.ProgressToken = nil
		}
		return nil
	}
	return m.checkParams(p, path, isText(subject))
}

func (m *Message) checkParams(p params, path string, named bool) *Error {
	refuse := func(path, reason string) *Error {
		return &Error{Code: CodeInvalidRequest, Path: path, Reason: reason}
	}
	if path != "" && !named {
		return refuse(path, "the method needs this string; send it")
	}
	if m.Arguments != nil && m.Arguments[0] != '{' {
		return refuse("/params/arguments", "arguments must be an object; leave it out if there are none")
	}
	if p.task != nil && m.Method == "tools/call" && p.task[0] != '{' {
		return refuse("/params/task", "task must be an object; leave it out for a call that is no task")
	}
	if _, ok := parseID(m.ProgressToken); m.ProgressToken != nil && !ok {
		return refuse("/params/_meta/progressToken", "a progress token must be a string or a number of ordinary size")
	}
	if p.requestID != nil && m.Method == "notifications/cancelled" && m.RequestID.IsZero() {
		return refuse("/params/requestId", "a request id must be a string or a number of ordinary size")
	}
	if p.related != nil {
		m.Tasks = append(m.Tasks, *p.related)
	}
	if m.Method == "subscriptions/listen" {
		return m.subscribes(p)
	}
	return nil
}

func isText(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }
