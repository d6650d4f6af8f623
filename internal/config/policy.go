package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// BundleAlgorithms are the signatures that a bundle may have: those whose
// verification needs no secret. Source: RFC 7518 section 3.1.
var BundleAlgorithms = []string{"ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}

func (c *Config) validatePolicy(fail func(path, format string, args ...any)) {
	for _, path := range c.Policy.Paths {
		if path == "" {
			fail("policy.paths", "policy.paths: a path is empty; name a directory or a file")
		}
	}
	if r := c.Policy.Reload; r != "on" && r != "off" {
		fail("policy.reload", "policy.reload must be on or off")
	}
	b := c.Policy.Bundle
	switch {
	case b.File != "" && b.URL != "":
		fail("policy.bundle", "policy.bundle has file and url; give one of them")
	case !b.Configured() && b != (Bundle{}):
		fail("policy.bundle", "policy.bundle needs file or url")
	}
	if b.URL != "" {
		validateBundleURL(b, fail)
	} else if b.TokenFile != "" || b.Polling != 0 || b.Wait != 0 {
		fail("policy.bundle", "policy.bundle: token_file, polling and wait are for url")
	}
	if b.Key != nil {
		b.Key.validate(fail)
	}
}

func validateBundleURL(b Bundle, fail func(path, format string, args ...any)) {
	u, err := url.Parse(b.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "":
		fail("policy.bundle.url", "policy.bundle.url must be an https URL")
	case u.User != nil:
		fail("policy.bundle.url", "policy.bundle.url may not hold a user or password; put a bearer token into a file and name it as token_file")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		fail("policy.bundle.url", "policy.bundle.url must be https: over http anybody on the way could replace the policy; http is for this machine (127.0.0.1) only")
	}
	if d := b.Polling.D(); d < time.Second || d > 24*time.Hour {
		fail("policy.bundle.polling", "policy.bundle.polling must be between 1s and 24h")
	}
	if d := b.Wait.D(); d < time.Second || d > 5*time.Minute {
		fail("policy.bundle.wait", "policy.bundle.wait must be between 1s and 5m")
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// validate: a key that is there at all must be whole. An empty id would be read
// as "any key", an empty key as "no signature needed".
func (k *BundleKey) validate(fail func(path, format string, args ...any)) {
	if strings.TrimSpace(k.ID) == "" {
		fail("policy.bundle.key.id", "policy.bundle.key.id must name the key that bundles are signed with; to take unsigned bundles, remove policy.bundle.key")
	}
	if !slices.Contains(BundleAlgorithms, k.Algorithm) {
		fail("policy.bundle.key.algorithm", "policy.bundle.key.algorithm must be one of %s", strings.Join(BundleAlgorithms, ", "))
	}
	if k.PublicKey == "" {
		fail("policy.bundle.key.public_key", "policy.bundle.key.public_key must name the PEM file of the public key")
	}
}
