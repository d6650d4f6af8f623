package wire

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// WithInput returns the line of a client's request with params.inputResponses and
// params.requestState as given, nil for none; every other member of params is as
// it was sent, in its order. m must have params.
// Source: MCP 2026-07-28, basic: multi round-trip requests.
func (m *Message) WithInput(responses, state json.RawMessage) []byte {
	params := []byte{'{'}
	member := func(raw ...[]byte) {
		if len(params) > 1 {
			params = append(params, ',')
		}
		for _, part := range raw {
			params = append(params, part...)
		}
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(m.Params))
	_, _ = dec.ReadToken() // has been read: it is an object, and its keys are unique
	for dec.PeekKind() == '"' {
		key, _ := dec.ReadValue()
		key = key.Clone()
		value, err := dec.ReadValue()
		if err != nil {
			break
		}
		if name, _ := unquote(key); name != "inputResponses" && name != "requestState" {
			member(key, []byte{':'}, value)
		}
	}
	if responses != nil {
		member([]byte(`"inputResponses":`), responses)
	}
	if state != nil {
		member([]byte(`"requestState":`), state)
	}
	start := m.Offset(m.Params)
	return Splice(m.Raw, start, start+len(m.Params), append(params, '}'))
}

// ownPrefix begins the ids of the proxy's own requests to the client. No server's
// request is passed on under such an id: lane 0's are refused, and every other
// lane's begin with its number.
const ownPrefix = "ecs-mcp-proxy/"

// OwnID is an id for a request of the proxy's own about a client's request. The
// name must be one that was never used, without a slash.
func OwnID(name string, about ID) ID { return NewID(ownPrefix + name + "/" + about.String()) }

// IsOwn reports whether the id is among those that OwnID makes.
func (id ID) IsOwn() bool { return id.key.kind == 's' && strings.HasPrefix(id.key.text, ownPrefix) }

// About is the id of the client's request that a request of the proxy's own is
// about; zero if the id is no such one.
func (id ID) About() ID {
	if !id.IsOwn() {
		return ID{}
	}
	_, raw, _ := strings.Cut(strings.TrimPrefix(id.key.text, ownPrefix), "/")
	about, _ := parseID([]byte(raw))
	return about
}
