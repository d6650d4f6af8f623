package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// upstream is the HTTP server under test: the go-sdk's, with one tool that
// answers at once. It ends with its standard input.
func upstream() error {
	server := mcp.NewServer(&mcp.Implementation{Name: "upstream", Version: "1"}, nil)
	server.AddTool(&mcp.Tool{Name: "ecs_resource_management", Description: "Manage ECS resources", InputSchema: json.RawMessage(`{"type":"object"}`)},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "ok"}}}, nil
		})
	return listen(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil))
}

// httpPump is the floor for a process in the middle of HTTP: httputil.ReverseProxy
// and nothing else, with as many kept connections as the callers need.
func httpPump(to string) error {
	target, err := url.Parse(to)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 2*callers, 2*callers
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
	}}
	return listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else an answer that begins while the body's end is looked for breaks the exchange.
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
}

// listen serves on loopback and says where, until standard input ends.
func listen(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Printf("http://%s/mcp\n", listener.Addr()); err != nil {
		return err
	}
	web := &http.Server{Handler: handler}
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // nothing is said there but the end
		_ = web.Close()
	}()
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
