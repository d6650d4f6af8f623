package config

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Listen says where serve listens and who may come.
type Listen struct {
	Address string `yaml:"address"`
	Path    string `yaml:"path"`
	// Hosts are the names that clients may know the server by, without a port;
	// empty means loopback's alone. Origins may call it from a web page.
	Hosts   []string `yaml:"hosts"`
	Origins []string `yaml:"origins"`
	Auth    Auth     `yaml:"auth"`
	TLS     *TLS     `yaml:"tls"` // nil: plain HTTP
}

// Auth says how a client shows who it is.
type Auth struct {
	// Anonymous is the id of the principal (kind "anonymous") that everybody is
	// who shows nothing; empty lets nobody in. On loopback only.
	Anonymous string  `yaml:"anonymous"`
	Tokens    []Token `yaml:"tokens"`
	JWT       *JWT    `yaml:"jwt"`
}

// Token is a bearer token in a file: whoever has it is the principal ID of kind "token".
type Token struct {
	ID   string `yaml:"id"`
	File string `yaml:"file"`
}

// The kinds of principal.
const (
	KindOSUser      = "os-user"
	KindAnonymous   = "anonymous"
	KindToken       = "token"
	KindJWT         = "jwt"
	KindCertificate = "certificate"
)

var kinds = []string{KindOSUser, KindAnonymous, KindToken, KindJWT, KindCertificate}

// The defaults of listen and of the limits on sessions.
const (
	DefaultAddress     = "127.0.0.1:8080"
	DefaultPath        = "/mcp"
	DefaultSessions    = 1000
	DefaultSessionIdle = Duration(30 * time.Minute)
	DefaultConcurrency = 500
	DefaultRate        = 1000
)

var pathForm = regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`)

func (c *Config) completeListen() {
	setDefault(&c.Listen.Address, DefaultAddress)
	setDefault(&c.Listen.Path, DefaultPath)
	setDefault(&c.Limits.Sessions, DefaultSessions)
	setDefault(&c.Limits.PrincipalSessions, max((c.Limits.Sessions+1)/2, 0)) // so that nobody can lock the others out
	setDefault(&c.Limits.SessionIdle, DefaultSessionIdle)
	setDefault(&c.Limits.Concurrency, DefaultConcurrency)
	setDefault(&c.Limits.Rate, DefaultRate)
	setDefault(&c.Limits.Burst, max(2*c.Limits.Rate, 0))
	c.completeAuth()
}

func (c *Config) validateListen(fail func(path, format string, args ...any)) {
	l := c.Listen
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil {
		fail("listen.address", "listen.address must be HOST:PORT, such as %s", DefaultAddress)
	}
	if !pathForm.MatchString(l.Path) {
		fail("listen.path", "listen.path must be a path, such as %s", DefaultPath)
	}
	loopback := isLoopback(host)
	if err == nil && !loopback && len(l.Hosts) == 0 {
		fail("listen.hosts", "listen.hosts: name what clients know %s by: without it only loopback's names are served", l.Address)
	}
	if l.Auth.Anonymous != "" && err == nil && !loopback {
		fail("listen.auth.anonymous", "listen.auth.anonymous lets everybody in, so it needs a loopback listen.address")
	}
	for i, origin := range l.Origins {
		if scheme, rest, ok := strings.Cut(origin, "://"); !ok || scheme == "" || rest == "" || strings.ContainsAny(rest, "/*") {
			fail(fmt.Sprintf("listen.origins[%d]", i), "listen.origins: %s is no origin; write scheme://host, with a port if it has one", origin)
		}
	}
	for i, t := range l.Auth.Tokens {
		path := fmt.Sprintf("listen.auth.tokens[%d]", i)
		if t.ID == "" || t.File == "" {
			fail(path, "%s needs an id and a file", path)
		}
		if slices.ContainsFunc(l.Auth.Tokens[:i], func(other Token) bool { return other.ID == t.ID }) {
			fail(path, "%s: the id %s is there twice", path, t.ID)
		}
	}
	c.validateAuth(fail)
	if n := c.Limits.Sessions; n < 1 || n > 1_000_000 {
		fail("limits.sessions", "limits.sessions must be between 1 and 1000000")
	}
	for _, limit := range []struct {
		name string
		n    int
	}{{"principal_sessions", c.Limits.PrincipalSessions}, {"concurrency", c.Limits.Concurrency}, {"rate", c.Limits.Rate}, {"burst", c.Limits.Burst}} {
		if limit.n < 1 || limit.n > 1_000_000 {
			fail("limits."+limit.name, "limits.%s must be between 1 and 1000000", limit.name)
		}
	}
	if d := c.Limits.SessionIdle.D(); d < time.Minute || d > 24*time.Hour {
		fail("limits.session_idle", "limits.session_idle must be between 1m and 24h")
	}
}

// OnlyCertificates reports whether there is no other way in than a client certificate.
func (l Listen) OnlyCertificates() bool {
	return l.Auth.Anonymous == "" && len(l.Auth.Tokens) == 0 && l.Auth.JWT == nil
}

// ValidateServe checks what serve needs beyond Validate.
func (c *Config) ValidateServe() error {
	if err := c.Validate(); err != nil {
		return err
	}
	if len(c.Upstream.Command) == 0 && len(c.Upstream.URLs) == 0 {
		return fmt.Errorf("%w: name the server's command as upstream.command, or the servers as upstream.urls", ErrConfig)
	}
	if t := c.Listen.TLS; c.Listen.OnlyCertificates() && (t == nil || t.ClientCA == "") {
		return fmt.Errorf("%w: listen.auth: nobody could come in; add jwt, or tokens: [{id: NAME, file: FILE}], or on loopback anonymous: NAME, or listen.tls with client_ca", ErrConfig)
	}
	return nil
}

// ReadToken reads the token of a file: one line that is long enough not to be guessed.
func ReadToken(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%w: read token: %w", ErrConfig, err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 32 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%w: %s: a token is one line of at least 32 visible characters; openssl rand -hex 32 makes one", ErrConfig, file)
	}
	return token, nil
}
