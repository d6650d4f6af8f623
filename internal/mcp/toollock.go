package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// ErrLock is the class of a lock file that cannot be used.
var ErrLock = errors.New("lock of the server's tools")

// toolLock is the file: what the tools of one server said of themselves when a
// person looked at them. It holds the texts and not their digests alone, so that
// a change can be shown.
type toolLock struct {
	Version int                          `json:"version"`
	Server  string                       `json:"server"`
	Tools   map[string]map[string]string `json:"tools"`
}

// ReadToolLock returns the pins of a lock file, under which a tool that is not in
// the file counts as changed, too.
func ReadToolLock(path, server string) (*ToolPins, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; ecs-mcp-proxy catalog check --lock writes it", ErrLock, err)
	}
	var lock toolLock
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&lock); {
	case err != nil || dec.More():
		return nil, fmt.Errorf("%w: %s is not what catalog check --lock writes; write it anew", ErrLock, path)
	case lock.Version != 1:
		return nil, fmt.Errorf("%w: %s has version %d, and 1 is known", ErrLock, path, lock.Version)
	case lock.Server != server:
		return nil, fmt.Errorf("%w: %s is of the server %q, not of %q", ErrLock, path, lock.Server, server)
	}
	p := NewToolPins()
	p.locked = true
	for name, said := range lock.Tools {
		p.first[name] = said
	}
	return p, nil
}

// WriteToolLock writes a lock file as a whole or not at all.
func WriteToolLock(path, server string, tools []wire.Tool) error {
	lock := toolLock{Version: 1, Server: server, Tools: map[string]map[string]string{}}
	for _, tool := range tools {
		said, err := tool.Described()
		if err != nil {
			return fmt.Errorf("%w: read tool %s: %w", ErrLock, short(tool.Name), err)
		}
		lock.Tools[tool.Name] = said
	}
	b, err := json.MarshalIndent(lock, "", "  ")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLock, err)
	}
	next, err := os.CreateTemp(filepath.Dir(path), ".lock-")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLock, err)
	}
	_, err = next.Write(append(b, '\n'))
	if err = errors.Join(err, next.Sync(), next.Chmod(0o644), next.Close()); err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		_ = os.Remove(next.Name())
		return fmt.Errorf("%w: %w", ErrLock, err)
	}
	return nil
}

// Compare says how a tool differs from what is pinned; empty if it does not.
func (p *ToolPins) Compare(tool wire.Tool) (string, error) { return p.see("", tool) }
