// Package remote is MCP's streamable HTTP towards a server that the proxy did
// not start: it makes a URL look like a process that takes messages and gives them.
//
// It promises that of the client's headers only those that repeat arguments
// (Mcp-Param-…) travel on, that no redirect is followed, that an answer is a line
// or is an error with the request's id, and that a server which has forgotten the
// session looks like one that ended, so that its lane is opened anew. Where
// requests are signed, none is sent that is not. It judges nothing.
//
// Source: MCP, transports: streamable HTTP, 2025-03-26 to 2025-11-25, and
// 2026-07-28 (modern.go).
package remote
