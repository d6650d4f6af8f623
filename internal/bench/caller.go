package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// caller is one client session over streamable HTTP, as little of a client as
// there can be, so that what is measured is the other side.
type caller struct {
	http    *http.Client
	url     string
	token   string
	session string
}

// plenty is a transport that keeps a connection for each caller.
func plenty() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConns: 2 * callers, MaxIdleConnsPerHost: 2 * callers}}
}

const (
	sayHello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`
	sayReady = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
)

// callOf is a read that policy allows, with an argument of this many bytes more.
func callOf(more int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ecs_resource_management","arguments":{"api_operation":"ListClusters","api_params":{"nextToken":"t%s"}}}}`,
		strings.Repeat("x", more))
}

// errRefused: the answer is an HTTP error.
var errRefused = errors.New("refused")

// open initializes a session.
func (c *caller) open() error {
	response, _, err := c.post(sayHello)
	if err != nil {
		return err
	}
	c.session = response.Header.Get("Mcp-Session-Id")
	_, _, err = c.post(sayReady)
	return err
}

// call makes one call and reads the whole answer.
func (c *caller) call(message string) error {
	_, body, err := c.post(message)
	if err == nil && !bytes.Contains(body, []byte(`"text":"ok"`)) {
		err = fmt.Errorf("not the answer: %s", body)
	}
	return err
}

// listen opens the stream of what belongs to no request, and keeps it.
func (c *caller) listen() (io.Closer, error) {
	response, err := c.do(http.MethodGet, "")
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("%w: %s", errRefused, response.Status)
	}
	return response.Body, nil
}

func (c *caller) post(message string) (*http.Response, []byte, error) {
	response, err := c.do(http.MethodPost, message)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%w: %s: %s", errRefused, response.Status, body)
	}
	return response, body, err
}

func (c *caller) do(method, message string) (*http.Response, error) {
	r, err := http.NewRequest(method, c.url, strings.NewReader(message))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.session != "" {
		r.Header.Set("Mcp-Session-Id", c.session)
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	}
	return c.http.Do(r)
}
