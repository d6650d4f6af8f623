package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// maxBundleFile is more than any bundle may unpack to.
const maxBundleFile = 64 << 20

// policySet is all that policy is made of, as configured: the personas'
// documents, and Rego of the user's own from paths or a bundle.
type policySet struct {
	config *config.Config
	key    *policy.Key
	remote *policy.Remote // nil without policy.bundle.url
}

func newPolicySet(cfg *config.Config) (*policySet, error) {
	p, b := &policySet{config: cfg}, cfg.Policy.Bundle
	if b.Key != nil {
		text, err := os.ReadFile(b.Key.PublicKey)
		if err == nil {
			p.key, err = policy.ReadKey(b.Key.ID, b.Key.Algorithm, text)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: policy.bundle.key: %w", config.ErrConfig, err)
		}
	}
	if b.URL != "" {
		remote, err := policy.NewRemote(b.URL, b.TokenFile, p.key, b.Polling.D())
		if err != nil {
			return nil, fmt.Errorf("%w: policy.bundle.url: %w", config.ErrConfig, err)
		}
		p.remote = remote
	}
	return p, nil
}

// isOwn reports whether there is Rego of the user's own on this machine.
func (p *policySet) isOwn() bool {
	return len(p.config.Policy.Paths) > 0 || p.config.Policy.Bundle.File != ""
}

// local reads the Rego of the user's own that is on this machine.
func (p *policySet) local() (sources []policy.Source, err error) {
	var problems []error
	add := func(key string, source policy.Source, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
			return
		}
		sources = append(sources, source)
	}
	if paths := p.config.Policy.Paths; len(paths) > 0 {
		source, err := policy.ReadPaths(paths...)
		add("policy.paths", source, err)
	}
	if name := p.config.Policy.Bundle.File; name != "" {
		source, err := readBundleFile(name, p.key)
		add("policy.bundle.file", source, err)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: %w", config.ErrConfig, errors.Join(problems...))
	}
	return sources, nil
}

func readBundleFile(name string, key *policy.Key) (policy.Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return policy.Source{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBundleFile))
	if err != nil {
		return policy.Source{}, err
	}
	return policy.ReadBundle(name, b, key)
}

// load reads everything anew and compiles it.
func (p *policySet) load(ctx context.Context) (*policy.Engine, error) {
	return p.compile(ctx, p.remote)
}

// compileLocal makes the policy of the set, but for a bundle at a URL.
func (p *policySet) compileLocal(ctx context.Context) (*policy.Engine, error) {
	return p.compile(ctx, nil)
}

func (p *policySet) compile(ctx context.Context, remote *policy.Remote) (*policy.Engine, error) {
	personas, err := loadPersonas(p.config)
	if err != nil {
		return nil, err
	}
	sources, err := p.local()
	if err != nil {
		return nil, err
	}
	if remote != nil {
		source, err := remote.Source()
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	return policy.New(ctx, personas, sources...)
}

// files are what is watched: everything that load reads from disk.
func (p *policySet) files() []string {
	files := slices.Clone(p.config.Policy.Paths)
	if name := p.config.Policy.Bundle.File; name != "" {
		files = append(files, name)
	}
	for _, persona := range p.config.Personas {
		for _, name := range slices.Concat(persona.Identity, persona.Boundary, persona.MCP) {
			if config.IsPath(name) {
				files = append(files, name)
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// prepare returns a Live over the set, and the changes that it is to follow.
// Rego of the user's own is compiled at once, so that nothing starts under one
// that is broken; the built-in policy alone is compiled while the server starts.
func (p *policySet) prepare(ctx context.Context, log *zap.Logger) (*policy.Live, chan struct{}, error) {
	changes := make(chan struct{}, 1)
	if files := p.files(); len(files) > 0 && p.config.Policy.Reload == "on" {
		policy.Watch(ctx, log, changes, files...) // before they are read, so that no change is missed
	}
	live := policy.NewLive(p.load, log, p.config.Policy.Bundle.Wait.D())
	_, err := loadPersonas(p.config)
	switch {
	case err != nil:
	case p.remote != nil:
		_, err = p.local()
	case p.isOwn():
		if err = live.First(ctx); err != nil && !errors.Is(err, config.ErrConfig) {
			err = fmt.Errorf("%w: %w", config.ErrConfig, err)
		}
	}
	return live, changes, err
}

// follow keeps live up to date until ctx ends. A first policy that does not
// compile ends the run by stop; a bundle that is still to come does not.
func (p *policySet) follow(ctx context.Context, live *policy.Live, changes chan struct{}, stop context.CancelCauseFunc) {
	if p.remote != nil {
		go p.remote.Poll(ctx, changes, func(err error) { live.Report("the policy bundle", err) })
	} else if !live.Ready() {
		if err := live.First(ctx); err != nil { // of the built-in policy: a persona's guardrails
			stop(fmt.Errorf("%w: %w", config.ErrConfig, err))
			return
		}
	}
	live.Run(ctx, changes)
}

// deciderOf is what the gate asks.
func deciderOf(live *policy.Live) func(context.Context) (mcp.Decider, error) {
	return func(ctx context.Context) (mcp.Decider, error) {
		engine, err := live.Engine(ctx)
		if err != nil {
			return nil, err
		}
		return engine, nil
	}
}
