// Package e2e puts the binary between a real client and the real Amazon ECS MCP
// server (awslabs-ecs-mcp-server) and lets moto be AWS.
//
// Between moto and everything that calls AWS stands a [Recorder], a reverse
// proxy that notes service, operation, access key and parameters of every
// request. So the tests compare what the proxy decided with what the server
// really did, which no unit test can.
//
// The tests carry the build tag e2e and need a Python environment; run them
// with "make e2e". The recorder alone is tested with the ordinary tests.
//
// It does not prove that AWS enforces a grant: moto checks no policy. The
// package internal/fakeaws does that part.
package e2e
