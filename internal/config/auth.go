package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// JWT says whose tokens are taken, and what of one makes the principal.
type JWT struct {
	Issuer string `yaml:"issuer"`
	// Audience must be in a token: one that was made for another service is
	// refused. Source: MCP, authorization, token audience binding.
	Audience string `yaml:"audience"`
	// Resource is the URL by which clients know the endpoint; empty: the audience.
	Resource string `yaml:"resource"`
	// JWKSURL or JWKSFile is where the issuer's public keys are.
	JWKSURL    string   `yaml:"jwks_url"`
	JWKSFile   string   `yaml:"jwks_file"`
	Algorithms []string `yaml:"algorithms"` // of JWTAlgorithms; empty: all of them
	Claims     Claims   `yaml:"claims"`
	// Tags gives tags of the principal the value of a claim.
	Tags map[string]string `yaml:"tags"`
}

// Claims names the claims that a principal is made of.
type Claims struct {
	ID string `yaml:"id"`
}

// TLS is how serve speaks it. The files are PEM.
type TLS struct {
	Cert string `yaml:"cert"` // with the intermediate ones after it
	Key  string `yaml:"key"`
	// ClientCA has the authorities whose certificates make a client a principal.
	ClientCA string `yaml:"client_ca"`
	// Both says who a client is that shows a certificate and a token: BothRefuse or BothToken.
	Both string `yaml:"both"`
}

// What is done with a client that shows a certificate and a token.
const (
	BothRefuse = "refuse" // it does not say which of the two calls
	BothToken  = "token"  // the certificate only lets it connect
)

// JWTAlgorithms are those a token may be signed with: with each, whoever can
// check a signature cannot make one.
var JWTAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (c *Config) completeAuth() {
	if c.Listen.TLS != nil {
		setDefault(&c.Listen.TLS.Both, BothRefuse)
	}
	j := c.Listen.Auth.JWT
	if j == nil {
		return
	}
	setDefault(&j.Claims.ID, "sub")
	setDefault(&j.Resource, j.Audience)
	if len(j.Algorithms) == 0 {
		j.Algorithms = JWTAlgorithms
	}
}

func (c *Config) validateAuth(fail func(path, format string, args ...any)) {
	if t := c.Listen.TLS; t != nil {
		if t.Cert == "" || t.Key == "" {
			fail("listen.tls", "listen.tls needs cert and key, files in PEM")
		}
		if t.Both != BothRefuse && t.Both != BothToken {
			fail("listen.tls.both", "listen.tls.both must be %s or %s", BothRefuse, BothToken)
		}
	}
	j := c.Listen.Auth.JWT
	if j == nil {
		return
	}
	const path = "listen.auth.jwt"
	if j.Issuer == "" {
		fail(path+".issuer", "%s.issuer: name the issuer as its tokens do in iss", path)
	}
	if j.Audience == "" {
		fail(path+".audience", "%s.audience: name what tokens for this proxy have in aud; without it one for another service would be taken", path)
	}
	if u, err := url.Parse(j.Resource); j.Audience != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "") {
		fail(path+".resource", "%s.resource must be the http or https URL by which clients know the endpoint; it can be left out only if the audience is that", path)
	}
	switch {
	case (j.JWKSURL == "") == (j.JWKSFile == ""):
		fail(path, "%s needs one of jwks_url and jwks_file", path)
	case j.JWKSURL != "":
		u, err := url.Parse(j.JWKSURL)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
			fail(path+".jwks_url", "%s.jwks_url must be an https URL, or http on loopback, without user information", path)
		}
	}
	for i, algorithm := range j.Algorithms {
		if !slices.Contains(JWTAlgorithms, algorithm) {
			fail(fmt.Sprintf("%s.algorithms[%d]", path, i), "%s.algorithms: %q is not one of %s", path, algorithm, strings.Join(JWTAlgorithms, ", "))
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(j.Tags)) {
		if j.Tags[tag] == "" || tag == "" {
			fail(path+".tags."+tag, "%s.tags.%s: name the claim that has its value", path, tag)
		}
	}
}
