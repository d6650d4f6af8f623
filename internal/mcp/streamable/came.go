package streamable

import (
	"net/http"
	"strings"
	"time"
)

// Came is what is known of a request beside its message.
type Came struct {
	// Parameters are the headers that repeat arguments, for a server that is
	// spoken to over HTTP.
	Parameters http.Header
	// Traceparent is the header of that name; nobody has looked at it.
	Traceparent string
	// Began and Identified are when the request came and when it was known who makes it.
	Began, Identified time.Time
}

// parameterPrefix begins the name of a header that repeats an argument.
const parameterPrefix = "Mcp-Param-"

// parameters are the headers that repeat arguments, for a server over HTTP.
// Source: MCP 2026-07-28, x-mcp-header.
func parameters(all http.Header) http.Header {
	kept := http.Header{}
	for name, values := range all {
		if strings.HasPrefix(name, parameterPrefix) {
			kept[name] = values
		}
	}
	return kept
}
