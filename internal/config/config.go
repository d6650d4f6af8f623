package config

import (
	"time"
)

// Config is the configuration file, version 1. Keys are only ever added.
type Config struct {
	Version      int                `yaml:"version"`
	Mode         string             `yaml:"mode"` // "enforce" or "shadow"
	AWS          AWS                `yaml:"aws"`
	Upstream     Upstream           `yaml:"upstream"`
	Personas     map[string]Persona `yaml:"personas"`
	Principals   []Principal        `yaml:"principals"`
	Facts        Facts              `yaml:"facts"`
	Catalogs     []string           `yaml:"catalogs"`
	Policy       Policy             `yaml:"policy"`
	Confirm      Confirm            `yaml:"confirm"`
	Credentials  Credentials        `yaml:"credentials"`
	Limits       Limits             `yaml:"limits"`
	Audit        Audit              `yaml:"audit"`
	ClientDetail string             `yaml:"client_detail"` // "full" or "minimal"
	Listing      Listing            `yaml:"listing"`
	Listen       Listen             `yaml:"listen"`
	Admin        Admin              `yaml:"admin"`
	Traces       Traces             `yaml:"traces"`
}

// AWS says where AWS is.
type AWS struct {
	Region string `yaml:"region"`
	// Endpoint is an emulator, for every service; empty for the real AWS.
	Endpoint string `yaml:"endpoint"`
	// SourceIdentity is SourcePrincipal or SourceInherit.
	SourceIdentity string `yaml:"source_identity"`
}

// Upstream is the ECS MCP server.
type Upstream struct {
	Command []string `yaml:"command"`
	Server  string   `yaml:"server"` // catalogue profile
	// Env is set for the server beside what it needs anyway; names that begin
	// with AWS_ are refused.
	Env map[string]string `yaml:"env"`
	// Pass names variables of the proxy's own environment that the server gets too.
	Pass []string `yaml:"pass"`
	// Lanes is how many servers one client session may have at the same time.
	Lanes int `yaml:"lanes"`
	// URLs are servers that the proxy does not start, one lane each, in the place
	// of Command.
	URLs []URL `yaml:"urls"`
	// Lock is a file of what the server's tools say of themselves.
	Lock string `yaml:"lock"`
}

// URL is a server that the proxy does not start.
type URL struct {
	URL         string           `yaml:"url"` // of its streamable HTTP endpoint
	Credentials CredentialServer `yaml:"credentials"`
}

// CredentialServer is where such a server draws its credentials.
type CredentialServer struct {
	Listen    string `yaml:"listen"`     // loopback address of the endpoint
	TokenFile string `yaml:"token_file"` // written with mode 0600 at each start
	// TokenGroup is the id of a group that may read the file; 0 for none.
	TokenGroup int `yaml:"token_group"`
}

// Persona is what a principal may be.
type Persona struct {
	Identity []string `yaml:"identity"` // names of built-in documents, or paths of JSON files
	Boundary []string `yaml:"boundary"`
	MCP      []string `yaml:"mcp"`
	Role     string   `yaml:"role"` // ARN of the role to assume
	// ExternalID is what the role's trust policy asks for.
	ExternalID  string      `yaml:"external_id"`
	SessionTags SessionTags `yaml:"session_tags"`
	// Transitive names session tags that a chain of roles hands on.
	Transitive []string `yaml:"transitive"`
	// Values fill the placeholders of built-in documents.
	Values map[string]string `yaml:"values"`
	// Guardrails turns guardrails on or off by name, or gives one its settings.
	Guardrails map[string]any `yaml:"guardrails"`
}

// Principal gives a persona to whoever matches; the first match wins.
type Principal struct {
	Match   Match  `yaml:"match"`
	Persona string `yaml:"persona"`
}

// Match says whom an entry of principals means; an empty ID is anyone of that kind.
type Match struct {
	Kind string `yaml:"kind"` // "os-user", "token" or "anonymous"
	ID   string `yaml:"id"`
}

// Facts says how resource tags are looked up.
type Facts struct {
	Role string   `yaml:"role"` // read-only role; empty: the proxy's own identity
	TTL  Duration `yaml:"ttl"`
}

// Policy adds Rego of the user's own to the built-in policy.
type Policy struct {
	// Paths are directories and files of Rego and data.
	Paths  []string `yaml:"paths"`
	Bundle Bundle   `yaml:"bundle"`
	// Reload says whether changed files are taken while the proxy runs: "on" or "off".
	Reload string `yaml:"reload"`
}

// Bundle is an OPA bundle, from a file or from an address.
type Bundle struct {
	File string `yaml:"file"`
	URL  string `yaml:"url"`
	// TokenFile holds a bearer token for URL.
	TokenFile string `yaml:"token_file"`
	// Key is what the bundle must be signed with. Nil: it need not be signed.
	Key *BundleKey `yaml:"key"`
	// Polling is how often URL is asked for a newer bundle.
	Polling Duration `yaml:"polling"`
	// Wait is how long calls wait for the first bundle before they are refused.
	Wait Duration `yaml:"wait"`
}

// Configured reports whether there is a bundle at all.
func (b Bundle) Configured() bool { return b.File != "" || b.URL != "" }

// BundleKey verifies the signature of a bundle.
type BundleKey struct {
	ID        string `yaml:"id"`
	Algorithm string `yaml:"algorithm"`  // of BundleAlgorithms
	PublicKey string `yaml:"public_key"` // a PEM file
}

// Credentials says how the server comes by a call's AWS credentials.
type Credentials struct {
	Delivery string `yaml:"delivery"` // DeliveryLease, DeliveryProcess, DeliverySigV4 or DeliveryNone
	Reuse    string `yaml:"reuse"`    // ReuseReads or ReuseNone
}

// The ways of delivery.
const (
	DeliveryLease   = "lease"   // from the lane's credential endpoint, while a call lasts
	DeliveryProcess = "process" // a process for each call, with the keys in its environment
	DeliverySigV4   = "sigv4"   // the proxy signs each request to a server that is an AWS service
	DeliveryNone    = "none"    // policy only; the server brings credentials of its own
)

// What a grant may be lent to again.
const (
	ReuseReads = "reads" // equal non-sensitive reads
	ReuseNone  = "none"
)

// Limits bounds a call.
type Limits struct {
	MessageBytes int      `yaml:"message_bytes"`
	CallTimeout  Duration `yaml:"call_timeout"`
	// Wait is how long a call may be asked to wait by its own arguments.
	Wait Duration `yaml:"wait"`
	// CancelGrace is how long the server may take to answer a call that was
	// cancelled or timed out before it is killed.
	CancelGrace Duration `yaml:"cancel_grace"`
	// Processes bounds the servers of all sessions together.
	Processes int `yaml:"processes"`
	// Sessions bounds the clients of serve at the same time, PrincipalSessions those
	// of one principal; SessionIdle is after how long one that nobody uses is closed.
	Sessions          int      `yaml:"sessions"`
	PrincipalSessions int      `yaml:"principal_sessions"`
	SessionIdle       Duration `yaml:"session_idle"`
	// Concurrency bounds what one principal has in progress with serve; Rate and
	// Burst its HTTP requests, a second and at once.
	Concurrency int `yaml:"concurrency"`
	Rate        int `yaml:"rate"`
	Burst       int `yaml:"burst"`
}

// Audit says where the record goes.
type Audit struct {
	File string `yaml:"file"`
	// KeyFile holds the key that signs each line; empty: lines are not signed.
	KeyFile string `yaml:"key_file"`
	// Announce is how often the head goes to the proxy's log.
	Announce Duration `yaml:"announce"`
}

// Listing says what is added to lists of tools.
type Listing struct {
	// Operations adds to a tool's description which of its operations policy
	// leaves open to the caller.
	Operations bool `yaml:"operations"`
}

// Duration is a time.Duration written as "10s" or "2m".
type Duration time.Duration

// D returns the time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// The modes. In shadow mode policy's verdict is put on record and not carried out.
const (
	ModeEnforce = "enforce"
	ModeShadow  = "shadow"
)

// The defaults of what a file may leave out.
const (
	DefaultServer       = "awslabs.ecs-mcp-server"
	DefaultMessageBytes = 16 << 20
	DefaultCallTimeout  = Duration(60 * time.Second)
	DefaultLongestWait  = Duration(13 * time.Minute)
	DefaultCancelGrace  = Duration(10 * time.Second)
	DefaultLanes        = 4
	DefaultProcesses    = 32
	DefaultTTL          = Duration(10 * time.Second)
	DefaultPolling      = Duration(60 * time.Second)
	DefaultAnnounce     = Duration(60 * time.Second)
	DefaultWait         = Duration(10 * time.Second)
)

// Complete fills in the defaults.
func (c *Config) Complete() {
	setDefault(&c.Mode, ModeEnforce)
	setDefault(&c.AWS.SourceIdentity, SourcePrincipal)
	setDefault(&c.Upstream.Server, DefaultServer)
	setDefault(&c.Limits.MessageBytes, DefaultMessageBytes)
	setDefault(&c.Limits.CallTimeout, DefaultCallTimeout)
	setDefault(&c.Limits.Wait, DefaultLongestWait)
	setDefault(&c.Limits.CancelGrace, DefaultCancelGrace)
	setDefault(&c.Limits.Processes, DefaultProcesses)
	setDefault(&c.Upstream.Lanes, max(DefaultLanes, len(c.Upstream.URLs)))
	setDefault(&c.Facts.TTL, DefaultTTL)
	setDefault(&c.Policy.Reload, "on")
	setDefault(&c.Confirm.Timeout, DefaultConfirm)
	c.completeListen()
	c.completeTraces()
	setDefault(&c.Credentials.Delivery, DeliveryLease)
	setDefault(&c.Credentials.Reuse, ReuseReads)
	if c.Policy.Bundle.URL != "" {
		setDefault(&c.Policy.Bundle.Polling, DefaultPolling)
		setDefault(&c.Policy.Bundle.Wait, DefaultWait)
	}
	setDefault(&c.ClientDetail, "full")
	setDefault(&c.Audit.Announce, DefaultAnnounce)
	if c.Audit.File == "" {
		c.Audit.File = defaultAuditFile()
	}
	for name, p := range c.Personas {
		if len(p.MCP) == 0 {
			p.MCP = []string{"default"}
			c.Personas[name] = p
		}
	}
}

func setDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

// PersonaOf returns the name of the persona of the first entry of principals
// that matches; false means no access.
func (c *Config) PersonaOf(kind, id string) (string, bool) {
	for _, p := range c.Principals {
		if p.Match.Kind == kind && (p.Match.ID == "" || p.Match.ID == id) {
			return p.Persona, true
		}
	}
	return "", false
}
