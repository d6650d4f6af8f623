package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
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

// handedOn are the variables by which AWS's SDKs find credentials in files: not
// secret themselves, and most clients keep them from the servers that they start.
var handedOn = []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}

// entry is what starts the proxy with the configuration at path.
func (f *initFlags) entry(path string) (map[string]any, error) {
	self, err := ownPath()
	if err != nil {
		return nil, err
	}
	entry := map[string]any{"command": self, "args": []string{"wrap", "--config", path}}
	env := map[string]string{}
	if profile := cmp.Or(f.profile, os.Getenv("AWS_PROFILE")); profile != "" {
		env["AWS_PROFILE"] = profile
	}
	for _, name := range handedOn {
		if value := os.Getenv(name); value != "" {
			if env[name], err = filepath.Abs(value); err != nil {
				return nil, err
			}
		}
	}
	if len(env) > 0 {
		entry["env"] = env
	}
	return entry, nil
}

// ownPath is where this program was found: clients that are no shells do not have
// a shell's PATH. A link is left as it is, since what it leads to may move.
func ownPath() (string, error) {
	found, err := exec.LookPath(os.Args[0])
	if err != nil {
		return os.Executable()
	}
	return filepath.Abs(found)
}

// printEntries prints what goes into the client's file, once for all that are alike.
func (f *initFlags) printEntries(out, guide io.Writer, entry map[string]any) error {
	names := clientNames()
	if f.client != "" {
		names = []string{f.client}
	}
	fmt.Fprintln(guide, "\nThe entry for the MCP client goes into its file:")
	for _, key := range []string{"mcpServers", "servers"} {
		var whole map[string]any
		for _, name := range names {
			if c := mcpClients[name]; c.key == key {
				fmt.Fprintf(guide, "\n%s: %s", c.title, c.file)
				whole = maps.Clone(entry)
				maps.Copy(whole, c.extra)
			}
		}
		if whole == nil {
			continue
		}
		fmt.Fprintln(guide)
		b, err := json.MarshalIndent(map[string]any{key: map[string]any{"ecs": whole}}, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", b)
	}
	return nil
}
