package iamtest

import (
	"bytes"
	"encoding/json"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Document is an IAM policy document.
type Document = map[string]any

// Case is documents and one request. Its JSON is a line of the verb simulate.
type Case struct {
	ID       string     `json:"id"`
	Policies []Document `json:"policies"`
	// Boundary and Session are nil if there is none.
	Boundary []Document `json:"boundary,omitempty"`
	Session  Document   `json:"session,omitempty"`
	Request  Request    `json:"request"`
}

// Request is one action on one resource.
type Request struct {
	Action   string                 `json:"action"`
	Resource string                 `json:"resource"`
	Context  map[string]authz.Value `json:"context"`
	Unknown  []string               `json:"unknown,omitempty"`
}

// Line is the case as one line of JSON, without its end.
func (c Case) Line() []byte {
	if c.Policies == nil {
		c.Policies = []Document{}
	}
	if c.Request.Context == nil {
		c.Request.Context = map[string]authz.Value{}
	}
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		panic(err) // a case holds nothing that JSON does not
	}
	return bytes.TrimSpace(line.Bytes())
}
