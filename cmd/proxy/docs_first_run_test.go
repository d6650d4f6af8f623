package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/docstest"
)

// Whoever follows docs/first-run.md gets what it shows. The client is Go's official
// one, under the name of the page's; the end-to-end suite follows the page with that.
func TestTheFirstRunIsTrue(t *testing.T) {
	t.Parallel()
	docstest.FirstRun(t, pageAt(t, "../../docs/first-run.md"), os.Getenv("PATH"))
}

// fastmcpMain is `fastmcp call FILE TOOL ARGUMENTS`: it starts the one server that an
// mcp.json names, with the little environment that clients give servers, and
// makes one call.
func fastmcpMain() {
	text, failed, err := callFrom(os.Args[2], os.Args[3], os.Args[4])
	if err != nil {
		text, failed = err.Error(), true
	}
	if failed {
		fmt.Println("Error: " + text)
		os.Exit(1)
	}
	fmt.Println(text)
}

func callFrom(file, tool, arguments string) (text string, failed bool, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", false, err
	}
	var entry struct {
		Servers map[string]struct {
			Command string            `json:"command"`
			Args    []string          `json:"args"`
			Env     map[string]string `json:"env"`
		} `json:"mcpServers"`
	}
	if err := json.Unmarshal(b, &entry); err != nil {
		return "", false, err
	}
	ecs := entry.Servers["ecs"]
	command := exec.Command(ecs.Command, ecs.Args...)
	// Source: the official SDKs' stdio clients pass on these and what the entry says.
	for _, name := range []string{"HOME", "PATH"} {
		command.Env = append(command.Env, name+"="+os.Getenv(name))
	}
	for name, value := range ecs.Env {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Stderr = os.Stderr
	ctx := context.Background()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "first-run", Version: "1"}, nil).Connect(ctx, &mcp.CommandTransport{Command: command}, nil)
	if err != nil {
		return "", false, err
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
	if err != nil {
		return "", false, err
	}
	for _, content := range result.Content {
		if c, ok := content.(*mcp.TextContent); ok {
			text += c.Text
		}
	}
	return text, result.IsError, nil
}
