// Package remote is MCP's streamable HTTP towards a server that the proxy did
// not start: it makes a URL look like a process that reads and writes lines.
//
// It promises that nothing the client sent travels as a header, that no redirect
// is followed, that an answer is a line or is an error with the request's id,
// and that a server which has forgotten the session looks like one that ended,
// so that its lane is opened anew. It judges nothing.
//
// Source: MCP, transports: streamable HTTP, 2025-03-26 to 2025-11-25.
package remote
