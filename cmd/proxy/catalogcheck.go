package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

const catalogCheckHelp = `Start a server without credentials, and compare its tools with the catalogue.
A server that is an AWS service is asked with a grant of the first persona for
the one action that each request needs.

Tools that the catalogue does not know are hidden and refused. With --lock FILE what
the others say of themselves is written there: name the file as upstream.lock, and
a tool that says anything else is hidden and refused. If the file is there, what is
different is shown first; to write it is to accept that.

With --scaffold it prints a catalogue of the unknown tools instead, with their
arguments, to be filled in; until then it refuses them.`

// checkTime bounds how long a server may take to start and to list its tools.
const checkTime = 3 * time.Minute

func newCatalog() *cobra.Command {
	group := &cobra.Command{Use: "catalog", Short: "Compare a server's tools with the catalogue", Args: cobra.ArbitraryArgs, RunE: helpOrUnknown}
	group.AddCommand(newCatalogCheck())
	return group
}

func newCatalogCheck() *cobra.Command {
	var file, server, region, lock string
	var asScaffold bool
	cmd := &cobra.Command{
		Use:   "check [--config FILE] [--lock FILE | --scaffold] [-- COMMAND [ARGUMENT…]]",
		Short: "Compare a server's tools with the catalogue, and lock what they say",
		Long:  catalogCheckHelp,
		RunE: func(cmd *cobra.Command, command []string) error {
			cfg := &config.Config{Version: 1}
			if file != "" {
				var err error
				if cfg, err = config.Load(file); err != nil {
					return err
				}
			}
			override(&cfg.Upstream.Server, server)
			override(&cfg.AWS.Region, region)
			if len(command) > 0 {
				cfg.Upstream.Command, cfg.Upstream.URLs = command, nil
			}
			cfg.Complete()
			if asScaffold && lock != "" {
				return fmt.Errorf("%w: --lock is for tools that are known, --scaffold for those that are not; give one of them", errUsage)
			}
			if len(cfg.Upstream.Command) == 0 && len(cfg.Upstream.URLs) == 0 {
				return fmt.Errorf("%w: name the server's command after --, or give --config FILE", errUsage)
			}
			if asScaffold {
				return scaffoldCatalog(cmd.Context(), cfg, server, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return checkCatalog(cmd.Context(), cfg, lock, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "config", "", "configuration file (YAML)")
	flags.StringVar(&server, "server", "", "catalogue profile of the server (default "+config.DefaultServer+")")
	flags.StringVar(&region, "region", "", "AWS_REGION of the server; it gets no credentials")
	flags.StringVar(&lock, "lock", "", "write what the tools say of themselves to this file")
	flags.BoolVar(&asScaffold, "scaffold", false, "print a catalogue of the tools that are not known, to be filled in")
	return cmd
}

func checkCatalog(ctx context.Context, cfg *config.Config, lock string, out, errOut io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	known, err := findCatalog(cfg)
	if err != nil {
		return err
	}
	tools, err := startAndList(ctx, cfg, known, errOut)
	if err != nil {
		return err
	}
	kept := compareTools(known, tools, out)
	if lock == "" {
		return nil
	}
	if _, err := os.Stat(lock); err == nil {
		pins, err := mcp.ReadToolLock(lock, known.Server())
		if err != nil {
			return err
		}
		for _, tool := range kept {
			news, err := pins.Compare(tool)
			if err != nil {
				return err
			}
			if news != "" {
				fmt.Fprintf(out, "changed: %s: %s\n", tool.Name, news)
			}
		}
	}
	if err := mcp.WriteToolLock(lock, known.Server(), kept); err != nil {
		return err
	}
	fmt.Fprintf(out, "locked: %s in %s\n", counted(len(kept), "tool"), lock)
	return nil
}

// scaffoldCatalog prints what is to be said of the tools that are not known. A
// server that has no catalogue yet may be given its name.
func scaffoldCatalog(ctx context.Context, cfg *config.Config, server string, out, errOut io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	described := new(catalog.Catalog)
	if server == "" || slices.Contains(catalog.BuiltinNames(), server) || len(cfg.Catalogs) > 0 {
		var err error
		if described, err = findCatalog(cfg); err != nil {
			return err
		}
		server = described.Server()
	}
	known := described.Tools()
	tools, err := startAndList(ctx, cfg, described, errOut)
	if err != nil {
		return err
	}
	return scaffold(server, slices.DeleteFunc(tools, func(t wire.Tool) bool { return slices.Contains(known, t.Name) }), out)
}

// compareTools prints where server and catalogue differ, and returns what both know.
func compareTools(known *catalog.Catalog, tools []wire.Tool, out io.Writer) (kept []wire.Tool) {
	there := map[string]bool{}
	for _, tool := range tools {
		there[tool.Name] = true
		if slices.Contains(known.Tools(), tool.Name) {
			kept = append(kept, tool)
			continue
		}
		fmt.Fprintf(out, "unknown: %+q is not in the catalogue of %s, so it is hidden and refused\n", tool.Name, known.Server())
	}
	for _, name := range known.Tools() {
		if !there[name] {
			fmt.Fprintf(out, "missing: %s is in the catalogue, and the server does not list it\n", name)
		}
	}
	fmt.Fprintf(out, "known: %d of the server's %d tools\n", len(kept), len(tools))
	return kept
}

// mostPages bounds a list that never ends.
const mostPages = 100

// startAndList lists the tools of the configuration's server, and says on errOut
// if that takes long.
func startAndList(ctx context.Context, cfg *config.Config, known *catalog.Catalog, errOut io.Writer) ([]wire.Tool, error) {
	means, end, err := ownMeans(ctx, cfg, known)
	if err != nil {
		return nil, err
	}
	defer end()
	signed, _ := known.Signed()
	servers, err := newServers(cfg, signed, "")
	if err != nil {
		return nil, err
	}
	defer progress(errOut, "starting the server and listing its tools")()
	tools, err := listTools(ctx, cfg, servers, means)
	if err != nil {
		return nil, fmt.Errorf("list the server's tools: %w", serverTrouble(err, cfg, servers))
	}
	return tools, nil
}

// listTools starts the server and lists all its tools.
func listTools(ctx context.Context, cfg *config.Config, servers *servers, means grant.Means) (tools []wire.Tool, err error) {
	process, err := servers.start(0, means)
	if err != nil {
		return nil, err
	}
	process = withPipes(process)
	defer process.Stop()
	defer context.AfterFunc(ctx, process.Kill)()
	s := &asker{limits: wire.Limits{Bytes: cfg.Limits.MessageBytes}, to: wire.NewLineWriter(process.Stdin), from: wire.NewLineReader(process.Stdout, cfg.Limits.MessageBytes)}
	if _, err := s.ask("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
		"clientInfo": map[string]string{"name": "ecs-mcp-proxy", "version": versionString()}}); err != nil {
		return nil, err
	}
	if err := s.to.Write([]byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)); err != nil {
		return nil, err
	}
	params, seen := map[string]any{}, map[string]bool{}
	for range mostPages {
		m, err := s.ask("tools/list", params)
		if err != nil {
			return nil, err
		}
		page, err := wire.Tools(m)
		if err != nil {
			return nil, err
		}
		for _, tool := range page.Tools {
			if seen[tool.Name] {
				return nil, fmt.Errorf("two pages have a tool %+q", tool.Name)
			}
			seen[tool.Name] = true
		}
		tools = append(tools, page.Tools...)
		var next struct{ NextCursor string }
		if err := json.Unmarshal(m.Result, &next); err != nil {
			return nil, err
		}
		if next.NextCursor == "" {
			return tools, nil
		}
		params = map[string]any{"cursor": next.NextCursor}
	}
	return nil, fmt.Errorf("the list has more than %d pages", mostPages)
}

// asker asks a server one question after the other.
type asker struct {
	limits wire.Limits
	to     *wire.LineWriter
	from   *wire.LineReader
	asked  int
}

func (s *asker) ask(method string, params any) (*wire.Message, error) {
	s.asked++
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": s.asked, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	if err := s.to.Write(line); err != nil {
		return nil, fmt.Errorf("the server ended before it was asked for %s: %w", method, err)
	}
	for {
		line, err := s.from.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the server ended, or took too long, before it answered %s", method)
		}
		if err != nil {
			return nil, err
		}
		m, err := wire.ReadServer(line, s.limits)
		if err != nil || m.Kind != wire.Response || string(m.ID.Raw()) != fmt.Sprint(s.asked) {
			continue // noise, and what it says meanwhile
		}
		if m.Error != nil {
			return nil, fmt.Errorf("the server answers %s with an error: %+q", method, m.Error)
		}
		return m, nil
	}
}
