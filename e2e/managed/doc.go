// Package managed puts the binary in front of mcp-proxy-for-aws, AWS's own client
// of the MCP servers that it manages, with a strict fake of such a server behind.
//
// The client signs with what it is lent in its environment (credentials.delivery:
// process); the fake (internal/fakeaws/managed) verifies every signature and knows
// whose key it was. The tests carry the build tag e2e and need a Python environment
// of their own, since mcp-proxy-for-aws and the local ECS MCP server want different
// versions of the same library; run them with "make e2e".
package managed
