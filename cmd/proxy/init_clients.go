package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// mcpClient is where an MCP client looks for its servers.
type mcpClient struct {
	title, file string
	key         string         // under which servers are listed
	extra       map[string]any // that the client wants in each entry
}

// Sources: the clients' own documentation of their MCP configuration.
var mcpClients = map[string]mcpClient{
	"amazon-q":       {"Amazon Q Developer", "~/.aws/amazonq/mcp.json", "mcpServers", nil},
	"claude-code":    {"Claude Code", ".mcp.json in the project", "mcpServers", nil},
	"claude-desktop": {"Claude Desktop", "claude_desktop_config.json (Settings, Developer, Edit Config)", "mcpServers", nil},
	"cursor":         {"Cursor", "~/.cursor/mcp.json", "mcpServers", nil},
	"kiro":           {"Kiro", "~/.kiro/settings/mcp.json", "mcpServers", nil},
	"vscode":         {"VS Code", ".vscode/mcp.json in the workspace", "servers", map[string]any{"type": "stdio"}},
}

func clientNames() []string { return slices.Sorted(maps.Keys(mcpClients)) }

// printEntries prints what goes into the client's file, once for all that are alike.
func (f *initFlags) printEntries(out io.Writer, path string) error {
	names := clientNames()
	if f.client != "" {
		names = []string{f.client}
	}
	printed := map[string]bool{}
	for _, key := range []string{"mcpServers", "servers"} {
		for _, name := range names {
			if c := mcpClients[name]; c.key == key {
				fmt.Fprintf(out, "\n%s: %s", c.title, c.file)
			}
		}
		for _, name := range names {
			c := mcpClients[name]
			if c.key != key || printed[key] {
				continue
			}
			printed[key] = true
			entry := map[string]any{"command": "ecs-mcp-proxy", "args": []string{"wrap", "--config", path}, "env": map[string]string{"AWS_PROFILE": "the profile that may assume the role"}}
			maps.Copy(entry, c.extra)
			b, err := json.MarshalIndent(map[string]any{key: map[string]any{"ecs": entry}}, "", "  ")
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "\n%s\n", b)
		}
	}
	return nil
}
