package main

import (
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// checkCaller says what wrap would let the user be that runs it. A file that knows
// no user is for serve, and says what serve lacks.
func checkCaller(cfg *config.Config) finding {
	wrapped := func(p config.Principal) bool { return p.Match.Kind == authz.KindOSUser }
	if err := cfg.ValidateServe(); err != nil && len(cfg.Principals) > 0 && !slices.ContainsFunc(cfg.Principals, wrapped) {
		return finding{err: err}
	}
	caller, err := identify(cfg)
	if err != nil {
		return finding{err: err} // says what to do itself
	}
	return finding{well: caller.Principal.Kind + "/" + caller.Principal.ID + " is persona " + caller.Persona}
}

// checkCallers says what serve would let those be whose names are in the file:
// nobody else's are known before they come.
func checkCallers(cfg *config.Config) finding {
	var named []authz.Principal
	for _, t := range cfg.Listen.Auth.Tokens {
		named = append(named, authz.Principal{Kind: config.KindToken, ID: t.ID})
	}
	if id := cfg.Listen.Auth.Anonymous; id != "" {
		named = append(named, authz.Principal{Kind: config.KindAnonymous, ID: id})
	}
	var all []string
	for _, principal := range named {
		caller, err := callerOf(cfg, principal)
		if err != nil {
			return finding{err: err} // says what to do itself
		}
		all = append(all, principal.Kind+"/"+principal.ID+" is persona "+caller.Persona)
	}
	if len(all) == 0 {
		return finding{well: "who they are is known when they come"}
	}
	return finding{well: strings.Join(all, ", ")}
}
