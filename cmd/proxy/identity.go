package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/streamable"
)

// identity says who makes a request. What a client shows is used here and
// nowhere else: it never travels on to the server.
type identity struct {
	config *config.Config
	tokens map[[sha256.Size]byte]string // digest: id
}

// newIdentity reads the tokens.
func newIdentity(cfg *config.Config) (*identity, error) {
	i := &identity{config: cfg, tokens: map[[sha256.Size]byte]string{}}
	for _, t := range cfg.Listen.Auth.Tokens {
		token, err := config.ReadToken(t.File)
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256([]byte(token))
		if other, ok := i.tokens[digest]; ok {
			return nil, fmt.Errorf("%w: listen.auth.tokens: %s and %s have the same token", config.ErrConfig, other, t.ID)
		}
		i.tokens[digest] = t.ID
	}
	return i, nil
}

// of establishes the principal of a request. One without a persona is not let
// in: it could do nothing, and an open session costs a server.
func (i *identity) of(r *http.Request) (authz.Principal, *streamable.Refusal) {
	principal, ok := i.shown(r)
	if !ok {
		return principal, &streamable.Refusal{Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {"Bearer"}},
			Why: "show who you are: send Authorization: Bearer TOKEN"}
	}
	if _, ok := i.config.PersonaOf(principal.Kind, principal.ID); !ok {
		return principal, &streamable.Refusal{Status: http.StatusForbidden, Why: "you match no entry of principals, so nothing would be allowed"}
	}
	return principal, nil
}

func (i *identity) shown(r *http.Request) (authz.Principal, bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		id := i.config.Listen.Auth.Anonymous
		return authz.Principal{Kind: config.KindAnonymous, ID: id}, id != ""
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return authz.Principal{}, false
	}
	// Compared by digest, all of them: neither length nor order tells anything.
	digest := sha256.Sum256([]byte(token))
	found := ""
	for known, id := range i.tokens {
		if subtle.ConstantTimeCompare(known[:], digest[:]) == 1 {
			found = id
		}
	}
	return authz.Principal{Kind: config.KindToken, ID: found}, found != ""
}

// callerOf is what configuration lets a principal be.
func callerOf(cfg *config.Config, principal authz.Principal) (mcp.Caller, error) {
	name, ok := cfg.PersonaOf(principal.Kind, principal.ID)
	if !ok {
		return mcp.Caller{}, fmt.Errorf("%w: %s %q matches no entry of principals, so nothing would be allowed; add - {match: {kind: %s, id: %s}, persona: NAME}",
			config.ErrConfig, principal.Kind, principal.ID, principal.Kind, principal.ID)
	}
	role := cfg.Personas[name].Role
	return mcp.Caller{Principal: principal, Persona: name, Role: role, Terms: termsOf(cfg, name),
		Env: catalog.Env{Partition: config.Partition(role), Account: config.Account(role), Region: cfg.AWS.Region}}, nil
}
