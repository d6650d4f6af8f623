package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authn"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// answerTime is how long whoever holds an address may take to answer: longer than a
// proxy takes to say that it is not ready.
const answerTime = 10 * time.Second

// checkAdmin sees whether the admin address is free, or a proxy's already.
func checkAdmin(cfg *config.Config) finding {
	address := cfg.Admin.Address
	err := listenOnce(address)
	if err == nil {
		return finding{well: address + " is free"}
	}
	if asked := askAdmin(address, "/readyz", answerTime, io.Discard); asked == nil || errors.As(asked, new(exitCode)) {
		return finding{well: "a proxy answers at " + address + " already"}
	}
	return finding{err: toDo(err, "name another admin.address, or end what listens there")}
}

// checkListen sees whether the address for clients is free, or answers already.
func checkListen(cfg *config.Config) finding {
	address := cfg.Listen.Address
	err := listenOnce(address)
	if err == nil {
		return finding{well: address + " is free"}
	}
	scheme := "http"
	if cfg.Listen.TLS != nil {
		scheme = "https"
	}
	if askHealth(scheme+"://"+address+cfg.Listen.Path, answerTime) == nil {
		return finding{warning: "something answers at " + address + " already; if that is not this proxy, name another listen.address"}
	}
	return finding{err: toDo(err, "name another listen.address, or end what listens there")}
}

func listenOnce(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return listener.Close()
}

// checkTokens reads the tokens of clients.
func checkTokens(cfg *config.Config) finding {
	for _, t := range cfg.Listen.Auth.Tokens {
		if _, err := config.ReadToken(t.File); err != nil {
			return finding{err: toDo(err, "put one line of at least 32 characters there, such as openssl rand -hex 32 makes")}
		}
	}
	for _, t := range cfg.Listen.Auth.Tokens {
		if warning := exposed(t.File); warning != "" {
			return finding{warning: warning}
		}
	}
	return finding{well: fmt.Sprintf("%d can be read", len(cfg.Listen.Auth.Tokens))}
}

// exposed warns of a file with a secret that every user can read; empty if there is
// nothing to warn of.
func exposed(file string) string {
	info, err := os.Stat(file)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o007 == 0 {
		return ""
	}
	return fmt.Sprintf("%s has mode %04o, so every user of this machine may have it; chmod o= it", file, info.Mode().Perm())
}

// checkConfirmKey reads the key that consents are sealed with.
func checkConfirmKey(cfg *config.Config) finding {
	if _, err := cfg.Confirm.Key(); err != nil {
		return finding{err: toDo(fmt.Errorf("confirm.key_file: %w", err), "put one line of at least 32 characters there, such as openssl rand -hex 32 makes")}
	}
	if warning := exposed(cfg.Confirm.KeyFile); warning != "" {
		return finding{warning: warning + ", and make a new one: whoever has it can make up a user's consent"}
	}
	return finding{well: cfg.Confirm.KeyFile + " can be read"}
}

// certificateSoon is how long before its end a certificate is warned of.
const certificateSoon = 14 * 24 * time.Hour

// checkTLS reads the certificate, its key and the clients' authorities.
func checkTLS(cfg *config.Config) finding {
	t := cfg.Listen.TLS
	if _, err := authn.NewTLS(authn.TLSFiles{Cert: t.Cert, Key: t.Key, ClientCA: t.ClientCA, Required: cfg.Listen.OnlyCertificates()}, nil); err != nil {
		return finding{err: toDo(err, "put PEM files that belong together at listen.tls.cert, key and client_ca")}
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return finding{err: toDo(err, "put PEM files that belong together at listen.tls.cert and key")}
	}
	leaf := pair.Leaf
	var others []string
	for _, host := range cfg.Listen.Hosts {
		if leaf.VerifyHostname(host) != nil {
			others = append(others, host)
		}
	}
	switch left := time.Until(leaf.NotAfter).Round(time.Hour); {
	case left <= 0:
		return finding{err: toDo(fmt.Errorf("the certificate ended at %s", leaf.NotAfter.Format(time.RFC3339)), "renew %s; a running proxy takes it at the next connection", t.Cert)}
	case time.Now().Before(leaf.NotBefore):
		return finding{err: toDo(fmt.Errorf("the certificate begins at %s only", leaf.NotBefore.Format(time.RFC3339)), "look at the clock, or put another certificate at %s", t.Cert)}
	case len(others) > 0:
		return finding{warning: "the certificate is not for " + strings.Join(others, ", ") + " of listen.hosts, so clients refuse it there; have it made for these names"}
	case left < certificateSoon:
		return finding{warning: fmt.Sprintf("the certificate ends in %s; renew %s", left, t.Cert)}
	}
	return finding{well: "the certificate is good until " + leaf.NotAfter.Format(time.DateOnly)}
}

// checkKeys has the issuer's keys, as the proxy will.
func checkKeys(ctx context.Context, cfg *config.Config) finding {
	j := cfg.Listen.Auth.JWT
	keys, where, do := authn.KeysAt(j.JWKSURL), j.JWKSURL, "see whether this machine reaches it, and that it answers with a JWK Set: curl "+quote(j.JWKSURL)
	if j.JWKSFile != "" {
		keys, where, do = authn.KeysIn(j.JWKSFile), j.JWKSFile, "put a JWK Set there (RFC 7517), as the issuer publishes it"
	}
	if err := keys.Load(ctx); err != nil {
		return finding{err: toDo(err, "%s", do)}
	}
	return finding{well: "the keys of " + j.Issuer + " are at " + where}
}
