// Command conformance runs MCP's own conformance suite against the go-sdk's
// reference server, direct and through serve, over HTTP to HTTP and HTTP to
// stdio, with a Deny active for a tool that the suite does not use. The scenarios of
// tasks run against a server of its own, since the reference server has none. Scenario for
// scenario the results must be equal; one that differs is named and fails.
//
//	go run ./e2e/conformance BINARY DIRECTORY
//
// DIRECTORY is where the suite is installed; `make conformance` does both.
package main
