package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	regionForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	// The role ARN is the only place that partition and account come from.
	roleForm = regexp.MustCompile(`^arn:(aws|aws-us-gov|aws-cn):iam::(\d{12}):role/[\w+=,.@/-]+$`)
	nameForm = regexp.MustCompile(`^[a-zA-Z0-9][\w.-]{0,63}$`)
)

// Validate checks a configuration that did not come from a file, with every
// mistake in the one error.
func (c *Config) Validate() error {
	var text []string
	for _, err := range c.validate(nil) {
		text = append(text, err.Error())
	}
	if len(text) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrConfig, strings.Join(text, "\n"))
}

func (c *Config) validate(lines lineIndex) (problems []error) {
	fail := func(path, format string, args ...any) {
		message := fmt.Sprintf(format, args...)
		if line := lines.near(path); line > 0 {
			message = fmt.Sprintf("line %d: %s", line, message)
		}
		problems = append(problems, fmt.Errorf("%s", message))
	}
	if c.Version != 1 {
		fail("version", "version must be 1; the file begins with version: 1")
	}
	if c.Mode != ModeEnforce && c.Mode != ModeShadow {
		fail("mode", "mode must be enforce or shadow")
	}
	if !regionForm.MatchString(c.AWS.Region) {
		fail("aws.region", "aws.region must name the one region that is operated, such as us-east-1")
	}
	if e := c.AWS.Endpoint; e != "" {
		if u, err := url.Parse(e); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			fail("aws.endpoint", "aws.endpoint must be an http or https URL without user information")
		}
	}
	if s := c.AWS.SourceIdentity; s != SourcePrincipal && s != SourceInherit {
		fail("aws.source_identity", "aws.source_identity must be %s or %s", SourcePrincipal, SourceInherit)
	}
	for name := range c.Upstream.Env {
		if strings.HasPrefix(strings.ToUpper(name), "AWS_") || name == "" || strings.ContainsAny(name, "=\x00") {
			fail("upstream.env."+name, "upstream.env.%s: the proxy alone sets the server's AWS_ variables", name)
		}
	}
	for i, name := range c.Upstream.Pass {
		if strings.HasPrefix(strings.ToUpper(name), "AWS_") || name == "" {
			fail(fmt.Sprintf("upstream.pass[%d]", i), "upstream.pass: %s: the proxy alone sets the server's AWS_ variables", name)
		}
	}
	if len(c.Personas) == 0 {
		fail("personas", "personas: name at least one, with identity, boundary and role")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Personas)) {
		c.validatePersona(name, fail)
	}
	if len(c.Principals) == 0 {
		fail("principals", "principals: without an entry nobody has access; add - {match: {kind: os-user}, persona: NAME}")
	}
	for i, p := range c.Principals {
		path := fmt.Sprintf("principals[%d]", i)
		if j := slices.IndexFunc(c.Principals[:i], func(earlier Principal) bool {
			return earlier.Match.Kind == p.Match.Kind && (earlier.Match.ID == "" || earlier.Match.ID == p.Match.ID)
		}); j >= 0 {
			fail(path, "%s is never reached: principals[%d] matches first; put the narrower one first", path, j)
		}
		if !slices.Contains(kinds, p.Match.Kind) {
			fail(path+".match.kind", "%s.match.kind must be one of %s", path, strings.Join(kinds, ", "))
		}
		if _, ok := c.Personas[p.Persona]; !ok && len(c.Personas) > 0 {
			fail(path+".persona", "%s.persona: there is no persona %q; known: %s", path, p.Persona, strings.Join(slices.Sorted(maps.Keys(c.Personas)), ", "))
		}
	}
	if c.Facts.Role != "" && !roleForm.MatchString(c.Facts.Role) {
		fail("facts.role", "facts.role must be a role ARN")
	}
	c.validatePolicy(fail)
	c.validateConfirm(fail)
	c.validateCredentials(fail)
	c.validateLimits(fail)
	c.validateListen(fail)
	c.validateAdmin(fail)
	c.validateTraces(fail)
	c.validateURLs(fail)
	if c.ClientDetail != "full" && c.ClientDetail != "minimal" {
		fail("client_detail", "client_detail must be full or minimal")
	}
	return problems
}

func (c *Config) validatePersona(name string, fail func(path, format string, args ...any)) {
	p, path := c.Personas[name], "personas."+name
	if !nameForm.MatchString(name) {
		fail(path, "%s: a persona's name has letters, digits, dots, dashes and underscores", path)
	}
	if !roleForm.MatchString(p.Role) {
		fail(path+".role", "%s.role must be the ARN of the IAM role to assume, such as arn:aws:iam::123456789012:role/mcp-%s", path, name)
	}
	if roleForm.MatchString(p.Role) && regionForm.MatchString(c.AWS.Region) && Partition(p.Role) != partitionOf(c.AWS.Region) {
		fail(path+".role", "%s.role is of partition %s, but aws.region %s is of %s", path, Partition(p.Role), c.AWS.Region, partitionOf(c.AWS.Region))
	}
	if len(p.Identity) == 0 {
		fail(path+".identity", "%s.identity: name at least one policy document", path)
	}
	for kind, names := range map[string][]string{"identity": p.Identity, "boundary": p.Boundary, "mcp": p.MCP} {
		for _, document := range names {
			if strings.Contains(document, "/") && !IsPath(document) {
				fail(path+"."+kind, "%s.%s: %s: the name of a policy file must end in .json", path, kind, document)
			}
		}
	}
	p.validateSession(path, fail)
	// Facts and grants are of one account: its own role's.
	if c.Facts.Role != "" && roleForm.MatchString(p.Role) && roleForm.MatchString(c.Facts.Role) && Account(p.Role) != Account(c.Facts.Role) {
		fail("facts.role", "facts.role is of another account than %s.role", path)
	}
}

func (c *Config) validateCredentials(fail func(path, format string, args ...any)) {
	if d := c.Credentials.Delivery; !slices.Contains([]string{DeliveryLease, DeliveryProcess, DeliverySigV4, DeliveryNone}, d) {
		fail("credentials.delivery", "credentials.delivery must be %s, %s, %s or %s", DeliveryLease, DeliveryProcess, DeliverySigV4, DeliveryNone)
	}
	if r := c.Credentials.Reuse; r != ReuseReads && r != ReuseNone {
		fail("credentials.reuse", "credentials.reuse must be %s or %s", ReuseReads, ReuseNone)
	}
}

func (c *Config) validateLimits(fail func(path, format string, args ...any)) {
	if n := c.Limits.MessageBytes; n < 1<<10 || n > 256<<20 {
		fail("limits.message_bytes", "limits.message_bytes must be between 1024 and %d", 256<<20)
	}
	if d := c.Limits.CallTimeout.D(); d < time.Second || d > 14*time.Minute {
		fail("limits.call_timeout", "limits.call_timeout must be between 1s and 14m: AWS credentials of a call last 15 minutes")
	}
	if d := c.Limits.Wait.D(); d < time.Second || d > 12*time.Hour {
		fail("limits.wait", "limits.wait must be between 1s and 12h")
	}
	if d := c.Credentials.Delivery; c.Limits.Wait > DefaultLongestWait && (d == DeliveryProcess || d == DeliverySigV4) {
		fail("limits.wait", "limits.wait must be at most %s with credentials.delivery %s: what a call was lent at its beginning cannot be renewed", DefaultLongestWait.D(), d)
	}
	if d := c.Limits.CancelGrace.D(); d < 100*time.Millisecond || d > 10*time.Minute {
		fail("limits.cancel_grace", "limits.cancel_grace must be between 100ms and 10m")
	}
	if n := c.Upstream.Lanes; n < 1 || n > 64 {
		fail("upstream.lanes", "upstream.lanes must be between 1 and 64")
	}
	if n := c.Limits.Processes; n < 1 || n > 10000 {
		fail("limits.processes", "limits.processes must be between 1 and 10000")
	}
	if d := c.Audit.Announce.D(); d < time.Second || d > 24*time.Hour {
		fail("audit.announce", "audit.announce must be between 1s and 24h")
	}
	if d := c.Facts.TTL.D(); d > time.Minute {
		fail("facts.ttl", "facts.ttl must be at most 1m: older tags decide wrongly")
	}
}

// near finds the line of path or of the closest key above it.
func (l lineIndex) near(path string) int {
	for path != "" {
		if line, ok := l[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return l[""]
}

// partitionOf is the partition that a region belongs to.
// Source: AWS general reference, Amazon Resource Names, partition.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// Warnings says what is allowed but seldom meant.
func (c *Config) Warnings() (warnings []string) {
	for _, name := range slices.Sorted(maps.Keys(c.Personas)) {
		if len(c.Personas[name].Boundary) == 0 {
			warnings = append(warnings, fmt.Sprintf("persona %s has no boundary, so neither its region nor production is protected by one; add boundary: [region-and-production]", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Personas)) {
		for _, key := range c.Personas[name].SessionTags.Pass {
			if !c.isTag(key) {
				warnings = append(warnings, fmt.Sprintf("personas.%s.session_tags.pass: a principal of kind os-user has the tag uid, one of kind jwt those of listen.auth.jwt.tags, so %s is never passed on", name, key))
			}
		}
	}
	if host, _, err := net.SplitHostPort(c.Listen.Address); err == nil && !isLoopback(host) && c.Listen.TLS == nil {
		warnings = append(warnings, "listen.address is not loopback and there is no listen.tls, so tokens can be read on the way unless something in front of the proxy speaks TLS; add listen.tls: {cert: …, key: …}")
	}
	if c.Credentials.Delivery == DeliveryNone {
		warnings = append(warnings, "credentials.delivery is none: calls are decided and nothing is lent, so the server acts with whatever credentials of its own it finds and AWS limits no call to what was decided; lease is the default")
	}
	accounts := map[string]bool{}
	for _, p := range c.Personas {
		if roleForm.MatchString(p.Role) {
			accounts[Account(p.Role)] = true
		}
	}
	if len(accounts) > 1 { // with facts.role that is an error
		warnings = append(warnings, "the personas' roles are of several accounts, and facts are looked up in that of the proxy's own identity: in the others all tags and roles stay unknown; run a proxy for each account")
	}
	if c.Admin.Address != "" && !c.AdminIsLoopback() {
		warnings = append(warnings, "admin.address "+c.Admin.Address+" is not loopback, and nobody is asked there who they are: let only what probes and collects metrics reach it")
	}
	if c.Traces.Endpoint != "" && !c.tracesAreSafe() {
		warnings = append(warnings, "traces.endpoint is plain http and not on loopback, so whoever is on the way reads who called what; use https, or a collector on this machine")
	}
	if c.Policy.Bundle.URL != "" && c.Policy.Bundle.Key == nil {
		warnings = append(warnings, "policy.bundle has no key, so whoever can write to its server decides what is denied; sign bundles and add key: {id: …, algorithm: …, public_key: …}")
	}
	return warnings
}

// isTag reports whether any principal can have a tag: authz.OSUser knows uid alone.
func (c *Config) isTag(key string) bool {
	if j := c.Listen.Auth.JWT; j != nil && j.Tags[key] != "" {
		return true
	}
	return key == "uid"
}

// Partition returns the partition of a role ARN that was validated.
func Partition(role string) string { return roleForm.FindStringSubmatch(role)[1] }

// Account returns the account of a role ARN that was validated.
func Account(role string) string { return roleForm.FindStringSubmatch(role)[2] }

// defaultAuditFile is where the record goes when nothing is configured.
// Source: XDG base directory specification, XDG_STATE_HOME.
func defaultAuditFile() string {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "audit.jsonl"
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "ecs-mcp-proxy", "audit.jsonl")
}
