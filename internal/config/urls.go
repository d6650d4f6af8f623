package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
)

// validateURLs checks the servers that the proxy does not start.
func (c *Config) validateURLs(fail func(path, format string, args ...any)) {
	if len(c.Upstream.URLs) > 0 && len(c.Upstream.Command) > 0 {
		fail("upstream.urls", "upstream: name a command or urls, not both")
	}
	if len(c.Upstream.URLs) > 0 && c.Credentials.Delivery == DeliveryProcess {
		fail("credentials.delivery", "credentials.delivery: %s needs a command: a server at a URL is not started here", DeliveryProcess)
	}
	for i, u := range c.Upstream.URLs {
		path := fmt.Sprintf("upstream.urls[%d]", i)
		parsed, err := url.Parse(u.URL)
		if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil || parsed.Fragment != "" {
			fail(path+".url", "%s.url must be an http or https URL without user information", path)
			continue
		}
		loopback := isLoopback(parsed.Hostname())
		if parsed.Scheme == "http" && !loopback {
			fail(path+".url", "%s.url: plain http goes to loopback only; use https", path)
		}
		if slices.ContainsFunc(c.Upstream.URLs[:i], func(other URL) bool { return other.URL == u.URL }) {
			fail(path+".url", "%s.url is there twice; one server is one lane", path)
		}
		if c.Credentials.Delivery != DeliveryLease {
			continue
		}
		// Its SDK takes credentials from loopback only, so a server elsewhere could
		// not draw them, and whoever could would not be that server.
		if !loopback {
			fail(path+".url", "%s.url is not on loopback, so delivery %s cannot reach it", path, DeliveryLease)
		}
		if at, err := netip.ParseAddrPort(u.Credentials.Listen); err != nil || !at.Addr().IsLoopback() || at.Port() == 0 {
			fail(path+".credentials.listen", "%s.credentials.listen must be a loopback address with a port, such as 127.0.0.1:9911", path)
		}
		if u.Credentials.TokenGroup < 0 {
			fail(path+".credentials.token_group", "%s.credentials.token_group must be the id of a group", path)
		}
		if u.Credentials.TokenFile == "" {
			fail(path+".credentials.token_file", "%s.credentials.token_file: name the file that the server finds its token in", path)
		}
	}
}
