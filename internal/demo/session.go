package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// session is one MCP client talking to one proxy.
type session struct {
	client *mcp.ClientSession
	tools  []string
}

// open starts the proxy, connects the client of the official SDK and lists the tools.
func (w *world) open(ctx context.Context, self string, o laneOptions) (*session, error) {
	command, err := w.command(ctx, self, o)
	if err != nil {
		return nil, err
	}
	var stderr strings.Builder
	command.Stderr = &stderr
	client, err := mcp.NewClient(&mcp.Implementation{Name: "demo-client", Version: "1"}, nil).Connect(ctx, &mcp.CommandTransport{Command: command}, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to the proxy: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	s := &session{client: client}
	for tool, err := range client.Tools(ctx, nil) {
		if err != nil {
			client.Close()
			return nil, fmt.Errorf("list tools: %w", err)
		}
		s.tools = append(s.tools, tool.Name)
	}
	return s, nil
}

func (w *world) command(ctx context.Context, self string, o laneOptions) (*exec.Cmd, error) {
	path, err := w.configure(o, self)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, "wrap", "--config", path)
	command.Env = w.environ()
	command.WaitDelay = 5 * time.Second
	return command, nil
}

// answer is what the client got.
type answer struct {
	Text  string
	Error bool // a tool error or a JSON-RPC error
}

// call makes one tool call.
func (s *session) call(ctx context.Context, tool string, arguments map[string]any) (answer, error) {
	out, err := s.client.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		var refused *jsonrpc.Error
		if errors.As(err, &refused) {
			return answer{Text: err.Error(), Error: true}, nil
		}
		return answer{}, err
	}
	var text []string
	for _, c := range out.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			text = append(text, t.Text)
		}
	}
	return answer{Text: strings.Join(text, "\n"), Error: out.IsError}, nil
}

// raw sends one line as it is to a proxy of its own, which no SDK would do,
// and returns the answer.
func (w *world) raw(ctx context.Context, self string, o laneOptions, line string) (answer, error) {
	command, err := w.command(ctx, self, o)
	if err != nil {
		return answer{}, err
	}
	command.Stdin = strings.NewReader(line + "\n")
	stdout, err := command.StdoutPipe()
	if err != nil {
		return answer{}, err
	}
	if err := command.Start(); err != nil {
		return answer{}, fmt.Errorf("start the proxy: %w", err)
	}
	first, readErr := bufio.NewReader(stdout).ReadBytes('\n')
	if _, err := io.Copy(io.Discard, stdout); err != nil {
		return answer{}, err
	}
	if err := errors.Join(readErr, command.Wait()); err != nil {
		return answer{}, fmt.Errorf("talk to the proxy: %w", err)
	}
	var message struct {
		Error struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(first, &message); err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return answer{Text: fmt.Sprintf("%d %s", message.Error.Code, message.Error.Message), Error: message.Error.Code != 0}, nil
}
