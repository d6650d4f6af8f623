// Package mcp is the first enforcement point: the MCP conversation between a
// client and an ECS MCP server.
//
// A message comes in through wire (read strictly, once), is looked up in the
// table of methods.go, and is relayed, filtered, refused, or decided by
// gate.go. What is forwarded is byte for byte what the client sent and what
// was judged; the server's messages travel back the same way.
//
// The package promises that nothing is forwarded to the server that was not in
// the table, that a tool is never called without a record of the decision, and
// that every request of the client is answered once. It leaves judging to
// package authz, which does not know it.
package mcp
