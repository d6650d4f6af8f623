package wire

import "encoding/json"

// notifications reads params.notifications: what a client wants to be told of.
// Source: MCP 2026-07-28, subscriptions.
func (r *reader) notifications() *Error {
	if !r.client || r.dec.PeekKind() != '{' {
		v, err := r.value(false)
		r.params.notifications = v
		return err
	}
	v, err := r.object(notificationsKeys, func(key []byte) *Error {
		v, err := r.value(false)
		switch string(key) {
		case "resourceSubscriptions":
			r.params.resources = v
		case "taskIds":
			r.params.taskIDs = v
		}
		return err
	})
	r.params.notifications = v
	return err
}

// subscribes notes the resources and tasks that a request wants to be told of.
func (m *Message) subscribes(p params) (err *Error) {
	if p.notifications != nil && p.notifications[0] != '{' {
		return &Error{Code: CodeInvalidRequest, Path: "/params/notifications", Reason: "notifications must be an object"}
	}
	if m.Resources, err = texts(p.resources, "resourceSubscriptions", "URIs"); err == nil {
		var ids []string
		ids, err = texts(p.taskIDs, "taskIds", "ids")
		m.Tasks = append(m.Tasks, ids...)
	}
	return err
}

// texts reads a member of params.notifications that is a list of texts, or absent.
func texts(raw json.RawMessage, name, what string) (all []string, _ *Error) {
	refuse := func(reason string) ([]string, *Error) {
		return nil, &Error{Code: CodeInvalidRequest, Path: "/params/notifications/" + name, Reason: reason}
	}
	if raw == nil {
		return nil, nil
	}
	var list []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil || len(list) > maxSubscriptions {
		return refuse(name + " must be a list of at most 100 " + what)
	}
	for _, one := range list {
		if !isText(one) {
			return refuse("each of " + name + " must be a string")
		}
		text, _ := unquote(one) // valid: the decoder has read it
		all = append(all, text)
	}
	return all, nil
}

// maxSubscriptions bounds what one request subscribes to: each is decided.
const maxSubscriptions = 100
