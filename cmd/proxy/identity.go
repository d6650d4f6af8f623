package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authn"
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
	jwt    *authn.Verifier              // nil: none are taken
	where  *authn.Metadata              // where clients get one; nil with jwt
	tls    *authn.TLS                   // nil: plain HTTP
	log    *zap.Logger
}

// newIdentity reads the tokens and the keys of the issuer. An issuer that is not
// there yet is asked again when a token comes.
func newIdentity(ctx context.Context, cfg *config.Config, log *zap.Logger) (*identity, error) {
	i := &identity{config: cfg, tokens: map[[sha256.Size]byte]string{}, log: log}
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
	if t := cfg.Listen.TLS; t != nil {
		var err error
		i.tls, err = authn.NewTLS(authn.TLSFiles{Cert: t.Cert, Key: t.Key, ClientCA: t.ClientCA, Required: cfg.Listen.OnlyCertificates()},
			func(err error) { log.Error("changed TLS files are not taken", zap.Error(err)) })
		if err != nil {
			return nil, fmt.Errorf("%w: listen.tls: %w", config.ErrConfig, err)
		}
	}
	if j := cfg.Listen.Auth.JWT; j != nil {
		where, err := authn.NewMetadata(j.Resource, j.Issuer, cfg.Listen.Path)
		if err != nil {
			return nil, fmt.Errorf("%w: listen.auth.jwt.resource: %w", config.ErrConfig, err)
		}
		i.where = where
		keys := authn.KeysAt(j.JWKSURL)
		if j.JWKSFile != "" {
			keys = authn.KeysIn(j.JWKSFile)
		}
		if err := keys.Load(ctx); err != nil {
			if j.JWKSFile != "" {
				return nil, fmt.Errorf("%w: listen.auth.jwt.jwks_file: %w", config.ErrConfig, err)
			}
			log.Warn("no client with a JWT can come in yet", zap.Error(err))
		}
		i.jwt = authn.NewVerifier(authn.Rules{Issuer: j.Issuer, Audience: j.Audience, Algorithms: j.Algorithms, ID: j.Claims.ID, Tags: j.Tags}, keys)
	}
	return i, nil
}

// of establishes the principal of a request. One without a persona is not let
// in: it could do nothing, and an open session costs a server.
func (i *identity) of(r *http.Request) (authz.Principal, *streamable.Refusal) {
	principal, refused := i.shown(r)
	if refused != nil {
		return principal, refused
	}
	if _, ok := i.config.PersonaOf(principal.Kind, principal.ID); !ok {
		return principal, &streamable.Refusal{Status: http.StatusForbidden, Why: "you match no entry of principals, so nothing would be allowed"}
	}
	return principal, nil
}

func (i *identity) shown(r *http.Request) (authz.Principal, *streamable.Refusal) {
	header := r.Header.Get("Authorization")
	if principal, shown, refused := i.certified(r); refused != nil || shown && header == "" {
		return principal, refused
	}
	if header == "" {
		if id := i.config.Listen.Auth.Anonymous; id != "" {
			return authz.Principal{Kind: config.KindAnonymous, ID: id}, nil
		}
		return authz.Principal{}, i.unauthorized("", "show who you are: send Authorization: Bearer TOKEN")
	}
	token, ok := bearerOf(header)
	if !ok {
		return authz.Principal{}, i.unauthorized("", "show who you are: send Authorization: Bearer TOKEN, and nothing else in that header")
	}
	// Compared by digest, all of them: neither length nor order tells anything.
	digest := sha256.Sum256([]byte(token))
	found := ""
	for known, id := range i.tokens {
		if subtle.ConstantTimeCompare(known[:], digest[:]) == 1 {
			found = id
		}
	}
	if found != "" {
		return authz.Principal{Kind: config.KindToken, ID: found}, nil
	}
	if i.jwt == nil {
		return authz.Principal{}, i.unauthorized("invalid_token", "the token is not taken")
	}
	id, tags, err := i.jwt.Verify(r.Context(), token)
	switch {
	case errors.Is(err, authn.ErrKeys):
		i.log.Warn("a client with a JWT could not come in", zap.Error(err))
		return authz.Principal{}, &streamable.Refusal{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"30"}}, Why: err.Error()}
	case err != nil:
		i.log.Debug("a client was not let in", zap.Error(err))
		return authz.Principal{}, i.unauthorized("invalid_token", err.Error())
	}
	return authz.Principal{Kind: config.KindJWT, ID: id, Tags: tags}, nil
}

// certified is the principal of a client certificate, if one is shown. Who shows a
// token as well is two at once, and that is refused unless configuration says
// which of them counts.
func (i *identity) certified(r *http.Request) (_ authz.Principal, shown bool, _ *streamable.Refusal) {
	if i.tls == nil {
		return authz.Principal{}, false, nil
	}
	certificate, err := i.tls.Client(r.TLS)
	if err != nil {
		return authz.Principal{}, true, i.unauthorized("", err.Error())
	}
	if certificate == nil {
		return authz.Principal{}, false, nil
	}
	if shown := r.Header["Authorization"]; len(shown) > 0 {
		if i.config.Listen.TLS.Both == config.BothToken && shown[0] != "" {
			return authz.Principal{}, false, nil
		}
		return authz.Principal{}, true, &streamable.Refusal{Status: http.StatusBadRequest, Why: "you show a certificate and a token; show one of them"}
	}
	id, err := authn.CertificateID(certificate)
	if err != nil {
		return authz.Principal{}, true, i.unauthorized("", err.Error())
	}
	return authz.Principal{Kind: config.KindCertificate, ID: id}, true, nil
}

// bearerOf is the token of an Authorization header. Source: RFC 6750, 2.1.
func bearerOf(header string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(header, " ")
	token = strings.TrimLeft(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// unauthorized asks a client for a token. No error is named to one that showed
// none. Source: RFC 6750, 3; RFC 9728, 5.1.
func (i *identity) unauthorized(code, why string) *streamable.Refusal {
	var parameters []string
	if i.where != nil {
		parameters = append(parameters, fmt.Sprintf("resource_metadata=%q", i.where.URL))
	}
	if code != "" {
		parameters = append(parameters, fmt.Sprintf("error=%q", code))
	}
	challenge := strings.TrimSpace("Bearer " + strings.Join(parameters, ", "))
	return &streamable.Refusal{Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {challenge}}, Why: why}
}

// before serves what is for clients that have not shown who they are, and the
// rest by next.
func (i *identity) before(next http.Handler) http.Handler {
	if i.where == nil {
		return next
	}
	return i.where.Before(next)
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
