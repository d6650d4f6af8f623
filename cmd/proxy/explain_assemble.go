package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/explain"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
)

// explainer wires what wrap wires, but for what acts: no server, no audit log,
// no broker.
func (f *explainFlags) explainer(ctx context.Context, cfg *config.Config) (*explain.Explainer, error) {
	principal, persona, err := f.who(cfg)
	if err != nil {
		return nil, err
	}
	personas, err := loadPersonas(cfg)
	if err != nil {
		return nil, err
	}
	catalogue, err := loadCatalog(cfg)
	if err != nil {
		return nil, err
	}
	tags, err := f.assumedTags()
	if err != nil {
		return nil, err
	}
	sources, err := ownRego(ctx, cfg)
	if err != nil {
		return nil, err
	}
	x := &explain.Explainer{
		Catalog: catalogue, Personas: personas, Callers: callersOf(cfg, principal), Persona: persona, Tags: tags,
		Compile: func(ctx context.Context, personas map[string]policy.Persona) (mcp.Decider, error) {
			return policy.New(ctx, personas, sources...)
		},
		Guardrails: func(g policy.Guardrails) (map[string]policy.GuardrailState, error) { return g.States(sources...) },
		InRegion: func(region string) (map[string]mcp.Caller, map[string]policy.Persona, error) {
			other := *cfg
			other.AWS.Region = region
			other.Upstream.URLs, other.Credentials.Delivery = nil, config.DeliveryNone // no server is asked, and its URL may be of this region
			if err := other.Validate(); err != nil {
				return nil, nil, err
			}
			personas, err := loadPersonas(&other)
			return callersOf(&other, principal), personas, err
		},
		Timeout: cfg.Limits.CallTimeout.D(), NoReuse: cfg.Credentials.Reuse == config.ReuseNone, Now: time.Now,
	}
	if cfg.Mode == "shadow" {
		x.Notes = []string{"mode is shadow: what policy refuses is let through all the same and put on record; this says what mode enforce would do"}
	}
	if f.facts {
		clients, err := dial(ctx, cfg)
		if err != nil {
			return nil, err
		}
		cfg.Facts.TTL = tagsKept
		x.Facts = newFacts(cfg, clients)
	}
	return x, nil
}

// ownRego is Rego of the user's own as it is now: what it denies is explained too.
func ownRego(ctx context.Context, cfg *config.Config) ([]policy.Source, error) {
	policies, err := newPolicySet(cfg)
	if err != nil {
		return nil, err
	}
	sources, err := policies.local()
	if err != nil || policies.remote == nil {
		return sources, err
	}
	ctx, cancel := context.WithTimeout(ctx, bundleTime)
	defer cancel()
	bundle, err := policies.remote.Fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w; without it nobody can say what would be decided: look at policy.bundle.url and whether its server answers", err)
	}
	return append(sources, bundle), nil
}

// bundleTime is how long a bundle may take to come.
const bundleTime = 20 * time.Second

// who is explained for: the principal of the flags and its persona.
func (f *explainFlags) who(cfg *config.Config) (authz.Principal, string, error) {
	own, err := authz.OSUser()
	if err != nil {
		return authz.Principal{}, "", err
	}
	if f.persona != "" || f.decision != "" { // a record names its own
		persona := f.persona
		if persona == "" {
			persona = slices.Min(slices.Collect(maps.Keys(cfg.Personas)))
		}
		if _, ok := cfg.Personas[persona]; !ok {
			return own, "", fmt.Errorf("%w: --persona: there is no persona %q; known: %s", errUsage, persona, strings.Join(slices.Sorted(maps.Keys(cfg.Personas)), ", "))
		}
		return own, persona, nil
	}
	principal := own
	if f.principal != "" {
		kind, id, ok := strings.Cut(f.principal, "/")
		if !ok || kind == "" || id == "" {
			return own, "", fmt.Errorf("%w: --principal: write KIND/ID, as in os-user/alice", errUsage)
		}
		if kind != own.Kind || id != own.ID {
			principal = authz.Principal{Kind: kind, ID: id}
		}
	}
	persona, ok := cfg.PersonaOf(principal.Kind, principal.ID)
	if !ok {
		return own, "", fmt.Errorf("%w: %s/%s matches no entry of principals, so every call is refused; add one, or explain for a persona with --persona NAME (known: %s)",
			config.ErrConfig, principal.Kind, principal.ID, strings.Join(slices.Sorted(maps.Keys(cfg.Personas)), ", "))
	}
	return principal, persona, nil
}

// callersOf is who the principal would be as each persona.
func callersOf(cfg *config.Config, principal authz.Principal) map[string]mcp.Caller {
	callers := map[string]mcp.Caller{}
	for name, p := range cfg.Personas {
		callers[name] = mcp.Caller{Principal: principal, Persona: name, Role: p.Role, Terms: termsOf(cfg, name),
			Env: catalog.Env{Partition: config.Partition(p.Role), Account: config.Account(p.Role), Region: cfg.AWS.Region}}
	}
	return callers
}
