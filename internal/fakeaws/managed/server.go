// Package managed is a strict fake of the Amazon ECS MCP server that AWS manages:
// the go-sdk's streamable HTTP server behind the front door of a fake account.
//
// It promises that a request is only answered if a key of the account signed it
// for the service ecs-mcp, now, and may ecs-mcp:UseMcp, and for tools/call
// ecs-mcp:InvokeReadOnlyTools; and that its tools act at AWS with exactly what
// the signer of their own request may. It keeps which key signed what in which
// session, for tests to judge.
//
// It has some of the real server's tools; that one's code is closed, and what it
// answers is made up. It does not tie a session to who opened it: whether AWS does
// is not documented, and a test must not lean on it.
package managed

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// Service is the name in signatures, and the prefix of its actions.
const Service = "ecs-mcp"

// Seen is one HTTP request that was accepted.
type Seen struct {
	AccessKeyID string
	Session     string // of MCP; empty before there is one
	HTTPMethod  string
	Method      string // of the message; empty if there was none
	Region      string // params._meta.AWS_REGION
}

// Server is the fake.
type Server struct {
	handler http.Handler
	mcp     *mcp.Server

	mu      sync.Mutex
	seen    []Seen
	callers map[string]*fakeaws.Caller // by access key id
}

// New returns a server of the account.
func New(aws *fakeaws.AWS) *Server {
	s := &Server{callers: map[string]*fakeaws.Caller{}, mcp: mcp.NewServer(&mcp.Implementation{Name: "fake-managed-ecs-mcp", Version: "1"}, nil)}
	for name, perform := range tools {
		s.mcp.AddTool(&mcp.Tool{Name: name, Description: name, InputSchema: json.RawMessage(`{"type":"object"}`),
			Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}, s.tool(perform))
	}
	streamable := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s.mcp }, nil)
	s.handler = aws.Guard(Service, needs, s.note(streamable))
	return s
}

// ServeHTTP serves the one endpoint.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Seen returns a copy of what was accepted so far, in order.
func (s *Server) Seen() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// said is what of a message matters here.
type said struct {
	Method string `json:"method"`
	Params struct {
		Meta struct {
			Region string `json:"AWS_REGION"`
		} `json:"_meta"`
	} `json:"params"`
}

func read(body []byte) (m said) {
	_ = json.Unmarshal(body, &m) // a request without a message
	return m
}

// needs are the actions of a request. Source: service authorization reference,
// Amazon ECS MCP Service.
func needs(_ *http.Request, body []byte) []string {
	if read(body).Method == "tools/call" {
		return []string{Service + ":UseMcp", Service + ":InvokeReadOnlyTools"}
	}
	return []string{Service + ":UseMcp"}
}

// note keeps what came through the front door.
func (s *Server) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := peek(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m, caller := read(body), fakeaws.CallerOf(r.Context())
		r.Header.Set(signerHeader, caller.AccessKeyID())
		s.mu.Lock()
		s.callers[caller.AccessKeyID()] = caller
		s.seen = append(s.seen, Seen{AccessKeyID: caller.AccessKeyID(), Session: r.Header.Get("Mcp-Session-Id"),
			HTTPMethod: r.Method, Method: m.Method, Region: m.Params.Meta.Region})
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// signerHeader tells a tool who signed its own request: the go-sdk hands on the
// headers of that one, and the context of the one that opened the session.
const signerHeader = "X-Fake-Signer"

// tool performs a tool with the permissions of whoever signed its own request.
func (s *Server) tool(perform tool) mcp.ToolHandler {
	return func(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		var in arguments
		if err := json.Unmarshal(r.Params.Arguments, &in); err != nil {
			return nil, err
		}
		s.mu.Lock()
		caller := s.callers[r.Extra.Header.Get(signerHeader)]
		s.mu.Unlock()
		if caller == nil {
			return nil, errors.New("nobody signed the request")
		}
		out, err := perform(caller, in)
		if err != nil {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: err.Error()}}, IsError: true}, nil
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(out)}}}, nil
	}
}
