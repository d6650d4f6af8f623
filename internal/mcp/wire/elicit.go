package wire

import "github.com/go-json-experiment/json"

// elicitation asks the client's user for a yes: a form without fields, so that
// all there is to give is the answer itself.
// Source: MCP 2025-06-18, 2025-11-25 and 2026-07-28, elicitation.
type elicitation struct {
	Mode            string `json:"mode,omitempty"` // "form"; what a request means that names none
	Message         string `json:"message"`
	RequestedSchema schema `json:"requestedSchema"`
}

type schema struct {
	Type       string   `json:"type"`
	Properties struct{} `json:"properties"`
}

// Elicit returns the request that asks the client's user for a yes, without a
// line break. Source: MCP 2025-06-18, elicitation.
func Elicit(id ID, message string) []byte {
	params := elicitation{Message: message, RequestedSchema: schema{Type: "object"}}
	body, _ := json.Marshal(params, written) // strings: cannot fail
	out := append([]byte(`{"jsonrpc":"2.0","id":`), id.String()...)
	out = append(out, `,"method":"elicitation/create","params":`...)
	return append(append(out, body...), '}')
}

// InputRequired returns the result that asks for the same in place of an answer:
// the client makes its request again, with what the user said under the name key
// and with the state. Source: MCP 2026-07-28, basic: multi round-trip requests.
func InputRequired(id ID, key, message, state string) []byte {
	type request struct {
		Method string      `json:"method"`
		Params elicitation `json:"params"`
	}
	body, _ := json.Marshal(struct {
		ResultType    string             `json:"resultType"`
		InputRequests map[string]request `json:"inputRequests"`
		RequestState  string             `json:"requestState"`
	}{"input_required", map[string]request{key: {"elicitation/create", elicitation{"form", message, schema{Type: "object"}}}}, state}, written) // strings: cannot fail
	return envelope(id, "result", body)
}

// Cancel returns the notification that withdraws a request.
func Cancel(id ID, reason string) []byte {
	text, _ := json.Marshal(reason, written) // a string: cannot fail
	out := append([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`), id.String()...)
	return append(append(append(out, `,"reason":`...), text...), `}}`...)
}

// Elicits reports whether a client's capabilities, as JSON, say that it can ask
// its user by a form. Source: MCP 2025-11-25, elicitation: capabilities.
func Elicits(capabilities []byte) bool {
	var says struct {
		Elicitation *struct {
			Form map[string]any `json:"form"`
			URL  map[string]any `json:"url"`
		} `json:"elicitation"`
	}
	if json.Unmarshal(capabilities, &says) != nil || says.Elicitation == nil {
		return false
	}
	return says.Elicitation.Form != nil || says.Elicitation.URL == nil
}

// Action is what an answer to an elicitation says of the user: "accept",
// "decline" or "cancel"; empty for anything else.
func Action(answer []byte) string {
	var says struct {
		Action string `json:"action"`
	}
	if json.Unmarshal(answer, &says) != nil {
		return ""
	}
	switch says.Action {
	case "accept", "decline", "cancel":
		return says.Action
	}
	return ""
}
