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
		if string(key) == "resourceSubscriptions" {
			r.params.resources = v
		}
		return err
	})
	r.params.notifications = v
	return err
}

// subscribes notes the resources that a request wants to be told of.
func (m *Message) subscribes(p params) *Error {
	refuse := func(path, reason string) *Error {
		return &Error{Code: CodeInvalidRequest, Path: path, Reason: reason}
	}
	if p.notifications != nil && p.notifications[0] != '{' {
		return refuse("/params/notifications", "notifications must be an object")
	}
	if p.resources == nil {
		return nil
	}
	var uris []json.RawMessage
	if p.resources[0] != '[' || json.Unmarshal(p.resources, &uris) != nil || len(uris) > maxSubscriptions {
		return refuse("/params/notifications/resourceSubscriptions", "resourceSubscriptions must be a list of at most 100 URIs")
	}
	for _, uri := range uris {
		if !isText(uri) {
			return refuse("/params/notifications/resourceSubscriptions", "each of resourceSubscriptions must be a string")
		}
		text, _ := unquote(uri) // valid: the decoder has read it
		m.Resources = append(m.Resources, text)
	}
	return nil
}

// maxSubscriptions bounds what one request subscribes to: each is decided.
const maxSubscriptions = 100
