package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// checkServer starts the server, without credentials but for those that an AWS
// service wants, and compares its tools with the catalogue. It returns them.
func checkServer(ctx context.Context, cfg *config.Config) ([]wire.Tool, finding) {
	catalogue, err := loadCatalog(cfg)
	if err != nil {
		return nil, finding{err: toDo(err, "name a catalogue that is there as upstream.server, or a file of your own in catalogs")}
	}
	if len(cfg.Upstream.Command) == 0 && len(cfg.Upstream.URLs) == 0 {
		return nil, finding{err: toDo(errors.New("no server is named"), "name it as upstream.command, or start wrap with -- COMMAND")}
	}
	means, end, err := ownMeans(ctx, cfg, catalogue)
	if err != nil {
		return nil, finding{err: err}
	}
	defer end()
	signed, _ := catalogue.Signed()
	servers, err := newServers(cfg, signed, "")
	if err != nil {
		return nil, finding{err: err}
	}
	began := time.Now()
	tools, err := listTools(ctx, cfg, servers, means)
	if err != nil {
		return nil, finding{err: serverTrouble(err, cfg, servers)}
	}
	ready := time.Since(began).Round(100 * time.Millisecond)
	var unknown []string
	for _, tool := range tools {
		if !slices.Contains(catalogue.Tools(), tool.Name) {
			unknown = append(unknown, fmt.Sprintf("%+q", tool.Name))
		}
	}
	if len(unknown) > 0 {
		return tools, finding{warning: fmt.Sprintf("ready after %s; of its %d tools these are not in the catalogue %s, so they are hidden and refused: %s",
			ready, len(tools), cfg.Upstream.Server, strings.Join(unknown, ", "))}
	}
	return tools, finding{well: fmt.Sprintf("ready after %s; all of its %d tools are in the catalogue %s", ready, len(tools), cfg.Upstream.Server)}
}

// serverTrouble says what to do about a server that does not list its tools.
func serverTrouble(err error, cfg *config.Config, servers *servers) error {
	if len(cfg.Upstream.URLs) > 0 {
		return toDo(err, "see whether it runs, and answers at %s", hostOf(cfg.Upstream.URLs[0].URL))
	}
	if servers.first() == nil { // was not started, and the error says what to do
		return err
	}
	var said bytes.Buffer
	servers.log.explain(&said)
	return toDo(err, "%s", strings.TrimSpace("start it by hand: "+strings.Join(cfg.Upstream.Command, " ")+"\n"+said.String()))
}

// checkLock compares what the server's tools say of themselves with upstream.lock.
func checkLock(cfg *config.Config, tools []wire.Tool) finding {
	again := "look at what it says, and if it is well: ecs-mcp-proxy catalog check --config FILE --lock " + quote(cfg.Upstream.Lock)
	pins, err := mcp.ReadToolLock(cfg.Upstream.Lock, cfg.Upstream.Server)
	if err != nil {
		return finding{err: toDo(err, "%s", again)}
	}
	if tools == nil {
		return finding{warning: "it can be read, but the server did not list its tools to be compared"}
	}
	known, err := loadCatalog(cfg)
	if err != nil {
		return finding{err: err}
	}
	var changed []string
	compared := 0
	for _, tool := range tools {
		if !slices.Contains(known.Tools(), tool.Name) {
			continue // hidden and refused anyway
		}
		compared++
		news, err := pins.Compare(tool)
		if err != nil {
			return finding{err: err}
		}
		if news != "" {
			changed = append(changed, tool.Name+": "+news)
		}
	}
	if len(changed) > 0 {
		return finding{err: toDo(fmt.Errorf("what is not as it was locked is hidden and refused: %s", strings.Join(changed, "; ")), "%s", again)}
	}
	return finding{well: "as it was when it was locked: " + counted(compared, "tool")}
}
