package wire

import "encoding/json"

// message reads the envelope. Source: JSON-RPC 2.0 sections 4 and 5; MCP
// narrows ids to strings and numbers, and params to an object.
func (r *reader) message(m *Message) *Error {
	switch r.dec.PeekKind() {
	case '{':
	case '[':
		return &Error{Code: CodeInvalidRequest, Reason: "batches are not accepted; send one object to a message"}
	default:
		if _, err := r.scalar(); err != nil {
			return err
		}
		return &Error{Code: CodeInvalidRequest, Reason: "not a JSON object; send one object to a message"}
	}
	var version, nullID, method bool
	_, err := r.object(envelopeKeys, func(key []byte) (err *Error) {
		switch string(key) {
		case "jsonrpc":
			var text string
			text, err = r.text("jsonrpc must be the string 2.0")
			if version = text == "2.0"; err == nil && !version {
				err = r.refuse("jsonrpc must be the string 2.0")
			}
		case "id":
			nullID, err = r.id(m)
		case "method":
			method = true
			m.Method, err = r.text("method must be a string")
		case "params":
			m.Params, err = r.readParams()
		case "result":
			m.Result, err = r.result(m)
		case "error":
			if kind := r.dec.PeekKind(); kind != '{' && kind != 0 {
				return r.refuse("error must be an object")
			}
			m.Error, err = r.value(false)
		default:
			if r.client {
				return r.refuse("the envelope has no such key; leave it out")
			}
			_, err = r.value(false)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := r.end(); err != nil {
		return err
	}
	if !version {
		return &Error{Code: CodeInvalidRequest, Reason: `jsonrpc is missing; send "jsonrpc":"2.0"`}
	}
	return m.classify(method, nullID)
}

// classify tells what kind of message the members make.
func (m *Message) classify(method, nullID bool) *Error {
	hasResult, hasError := m.Result != nil, m.Error != nil
	reason := ""
	switch {
	case method && (hasResult || hasError):
		reason = "method stands beside result or error; send a request or a response"
	case method && nullID:
		reason = "the id of a request is null; send a string or a number"
	case method && m.ID.IsZero():
		m.Kind = Notification
	case method:
		m.Kind = Request
	case hasResult && hasError:
		reason = "result and error stand side by side; send one of them"
	case m.Params != nil:
		reason = "params stand without a method"
	case hasResult && m.ID.IsZero():
		reason = "the result has no id; send the id of the request"
	case hasResult || hasError:
		m.Kind = Response // an error may lack the id when the request's could not be read
	default:
		reason = "neither method nor result nor error; send one of them"
	}
	if reason != "" {
		return &Error{Code: CodeInvalidRequest, Reason: reason}
	}
	return nil
}

func (r *reader) id(m *Message) (null bool, _ *Error) {
	kind := r.dec.PeekKind()
	if kind == '{' || kind == '[' {
		return false, r.refuse("the id must be a string or a number")
	}
	raw, err := r.scalar()
	if err != nil || kind == 'n' {
		return kind == 'n', err
	}
	var ok bool
	if m.ID, ok = parseID(raw); !ok {
		return false, r.refuse("the id must be a string or a number of ordinary size")
	}
	return false, nil
}

// text reads a string and returns it decoded.
func (r *reader) text(otherwise string) (string, *Error) {
	if kind := r.dec.PeekKind(); kind != '"' && kind != 0 {
		return "", r.refuse(otherwise)
	}
	raw, err := r.scalar()
	if err != nil {
		return "", err
	}
	text, failed := unquote(raw)
	if failed != nil {
		return "", r.refuse(otherwise)
	}
	return text, nil
}

func (r *reader) result(m *Message) (json.RawMessage, *Error) {
	if r.dec.PeekKind() != '{' {
		return r.value(false)
	}
	return r.object(nil, func(key []byte) *Error {
		v, err := r.value(false)
		switch string(key) {
		case "isError":
			m.toolError = string(v) == "true"
		case "task":
			m.task = v
		case "resultType":
			m.resultType = v
		}
		return err
	})
}
