package deploy_test

import "github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"

// askedReady is the command that asks a proxy with this configuration, on the
// address for operators, whether it is ready: for what sends it calls.
func askedReady(c *config.Config) []string {
	return []string{"/bin/ecs-mcp-proxy", "health", "--address", c.Admin.Address}
}

// askedAlive is the command that asks whether it lives: for what starts it anew,
// which does not help when STS is away, and for what waits for it, such as the
// server without which it is not ready.
func askedAlive(c *config.Config) []string {
	return []string{"/bin/ecs-mcp-proxy", "health", "--live", "--address", c.Admin.Address}
}
