// Package streamable is MCP's streamable HTTP towards clients: it turns POST, GET
// and DELETE into the lines of a conversation, and a conversation's lines into
// event streams.
//
// It promises that a session answers only to the principal that opened it, that
// a message has one reading before it becomes a line, that every response goes
// to the request it answers and nowhere else, that a slow reader loses its own
// stream and holds up nobody, and that what a browser on another site sends is
// refused. It judges nothing: the conversation does.
//
// Source: MCP, transports: streamable HTTP, 2025-03-26 to 2025-11-25, and
// 2026-07-28 (modern.go).
package streamable
