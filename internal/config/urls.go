package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
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
	if c.Credentials.Delivery == DeliverySigV4 {
		c.validateSigned(fail)
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
		if c.Credentials.Delivery == DeliverySigV4 {
			c.validateSignedURL(path, parsed.Hostname(), u, fail)
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

// managedHost is a host name of an AWS service's MCP endpoint, with its region.
var managedHost = regexp.MustCompile(`^[a-z0-9-]+\.([a-z]{2}(?:-[a-z]+)+-\d)\.api\.aws$`)

// validateSigned checks that there is one server to sign requests to: calls have
// connections of their own to it.
func (c *Config) validateSigned(fail func(path, format string, args ...any)) {
	const example = "upstream: {server: aws.ecs-mcp, urls: [{url: \"https://ecs-mcp.REGION.api.aws/mcp\"}]}"
	switch {
	case len(c.Upstream.Command) > 0:
		fail("credentials.delivery", "credentials.delivery: %s signs requests to a URL, and a command signs for itself: use %s with a command, or name the server's URL: %s", DeliverySigV4, DeliveryProcess, example)
	case len(c.Upstream.URLs) != 1:
		fail("upstream.urls", "credentials.delivery: %s needs one URL; calls have connections of their own to it: %s", DeliverySigV4, example)
	}
}

// validateSignedURL checks that a URL is of the region that calls are judged for.
func (c *Config) validateSignedURL(path, host string, u URL, fail func(path, format string, args ...any)) {
	if u.Credentials != (CredentialServer{}) {
		fail(path+".credentials", "%s.credentials: with delivery %s the server draws none; leave it out", path, DeliverySigV4)
	}
	if region := managedHost.FindStringSubmatch(host); region != nil && region[1] != c.AWS.Region {
		fail(path+".url", "%s.url is of region %s, and calls are judged for aws.region %s; name the same", path, region[1], c.AWS.Region)
	}
}
