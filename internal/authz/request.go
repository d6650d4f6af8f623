package authz

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Principal is who calls: established by the proxy itself (the OS user, an AWS
// identity, a verified token), never by what a message claims.
type Principal struct {
	ID   string            `json:"id"`   // unique within Kind, "alice"
	Kind string            `json:"kind"` // "os-user"
	Tags map[string]string `json:"tags,omitempty"`
}

// Call is the MCP call being judged, as far as policy may look at it.
type Call struct {
	Method    string `json:"method"`              // "tools/call"
	Server    string `json:"server"`              // catalogue profile, "awslabs.ecs-mcp-server"
	Tool      string `json:"tool,omitempty"`      // tool, prompt or resource name
	Operation string `json:"operation,omitempty"` // value of the tool's selector argument, "DeleteService"
	Write     bool   `json:"write"`
	Sensitive bool   `json:"sensitive"`
	// EscapesScope: it acts through something that outlives the call or its grant.
	EscapesScope bool `json:"escapes_scope,omitempty"`
	// LeavesCredentials: it takes credentials beyond its grant and leaves them behind.
	LeavesCredentials bool `json:"leaves_credentials,omitempty"`
	// Arguments is the strictly read arguments object; never logged whole.
	Arguments json.RawMessage `json:"arguments,omitempty"`
}

// Value is the value of a condition context key. IAM tells a single-valued key
// from a multi-valued one, so the difference is kept: a Multi value holds any
// number of strings (none included), a single one exactly one.
type Value struct {
	Multi  bool
	Values []string
}

// One returns a single-valued Value.
func One(v string) Value { return Value{Values: []string{v}} }

// Many returns a multi-valued Value.
func Many(v ...string) Value { return Value{Multi: true, Values: v} }

// MarshalJSON writes a single value as a string and a multi-valued one as an array.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Multi {
		if v.Values == nil {
			return []byte("[]"), nil
		}
		return json.Marshal(v.Values)
	}
	if len(v.Values) != 1 {
		return nil, errors.New("marshal context value: a single-valued key needs exactly one value")
	}
	return json.Marshal(v.Values[0])
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (v *Value) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		*v = Value{Multi: true}
		return json.Unmarshal(b, &v.Values)
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*v = One(s)
	return nil
}

// Access is one IAM action on one resource, with the condition keys AWS will
// see. A key in Context is known; a key matched by Unknown exists or not, the
// proxy cannot tell; any other key is absent.
type Access struct {
	Action   string           `json:"action"`   // "ecs:DeleteService", spelled as in the service authorization reference
	Resource string           `json:"resource"` // one ARN, a wider ARN with wildcards, or "*"
	Context  map[string]Value `json:"context"`
	// Unknown lists condition keys that could not be filled: exact names
	// ("aws:SourceIp") or prefixes ending in "*" ("aws:ResourceTag/*").
	Unknown []string `json:"unknown,omitempty"`
	// Subject is the ARN that the access is about where AWS does not look at
	// that resource's tags: ecs:DeregisterTaskDefinition is authorised on "*",
	// its subject is the task definition, and so is that of an iam:PassRole of
	// the roles in one. The subject's tags are SubjectTag keys.
	Subject string `json:"subject,omitempty"`

	// Optional: the server goes on without it, so it is granted when allowed
	// and otherwise left out.
	Optional bool `json:"optional,omitempty"`
	// Unscopable: the action has no resource-level permission; Resource is "*".
	Unscopable bool `json:"unscopable,omitempty"`
	// Taggable: the service authorization reference lists aws:ResourceTag for
	// the action, so AWS can check a tag again when the grant is used.
	Taggable bool `json:"taggable,omitempty"`
	// Global: the service has no region; aws:RequestedRegion is us-east-1.
	Global bool `json:"global,omitempty"`
	// Creates: the resource does not exist yet, so it has no tags.
	Creates bool `json:"creates,omitempty"`
	// Unverified: believed to be needed, not yet seen in a recording.
	Unverified bool `json:"unverified,omitempty"`
	// Named is what the caller may be told instead of a Resource that was looked
	// up; empty if the call itself names it.
	Named string `json:"-"`
}

// SubjectTag begins the condition keys that carry the tags of an access's
// Subject. They are the proxy's own: AWS does not know them.
const SubjectTag = ownKeys + "SubjectTag/"

const ownKeys = "ecs-mcp-proxy:"

// Own keys in an access's Unknown that say that its Resource stands for one of
// what it matches, or for none, and that a look-up can tell which: the latest
// active revision of a family, or the roles of the Subject, a task definition.
// A statement about part of such a Resource may be about it.
const (
	unsettled      = ownKeys + "Resource/"
	LatestRevision = unsettled + "LatestRevision"
	TaskRole       = unsettled + "TaskRole"
	ExecutionRole  = unsettled + "ExecutionRole"
)

// IsUnsettled reports whether a name in Unknown says that a look-up can tell what
// the Resource is. Only a whole name does.
func IsUnsettled(key string) bool {
	return len(key) >= len(unsettled) && strings.EqualFold(key[:len(unsettled)], unsettled) && !strings.HasSuffix(key, "*")
}

// Unsettled reports whether a look-up can tell what the Resource is.
func (a Access) Unsettled() bool { return slices.ContainsFunc(a.Unknown, IsUnsettled) }

// IsOwnKey reports whether a condition key is the proxy's own. Such a key must
// not be sent to AWS, where it would always be absent.
func IsOwnKey(key string) bool {
	return len(key) >= len(ownKeys) && strings.EqualFold(key[:len(ownKeys)], ownKeys)
}

// IsMCP reports whether the access is of the pseudo-service mcp: it touches no
// AWS API, is decided by the persona's mcp document, and is never granted.
func (a Access) IsMCP() bool { return strings.HasPrefix(a.Action, "mcp:") }

// IsUnknown reports whether key is matched by the access's Unknown list; key
// names compare without case, tag keys included, as in IAM.
func (a Access) IsUnknown(key string) bool {
	return slices.ContainsFunc(a.Unknown, func(u string) bool {
		if prefix, ok := strings.CutSuffix(u, "*"); ok {
			return len(key) >= len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
		}
		return strings.EqualFold(u, key)
	})
}

// Request is the question put to policy: the Rego input document. Its JSON
// schema is rego/schema/input.json.
type Request struct {
	Principal Principal `json:"principal"`
	Persona   string    `json:"persona"`
	Region    string    `json:"region"`
	Account   string    `json:"account"`
	Call      Call      `json:"call"`
	Accesses  []Access  `json:"accesses"`
	// Actions and Regions sum the accesses up, so that a guardrail need not look
	// through them: which actions there are, in lower case as IAM compares
	// without it, and which regions, where "" is that of an access that names none.
	Actions map[string]bool `json:"actions"`
	Regions map[string]bool `json:"regions"`
}

// WithSummary returns r with Actions and Regions filled from its accesses.
func (r Request) WithSummary() Request {
	r.Actions, r.Regions = map[string]bool{}, map[string]bool{}
	for _, a := range r.Accesses {
		r.Actions[strings.ToLower(a.Action)] = true
		if a.Global || a.IsMCP() {
			continue
		}
		named := false
		for key, value := range a.Context {
			if strings.EqualFold(key, "aws:RequestedRegion") {
				for _, region := range value.Values {
					r.Regions[region], named = true, true
				}
			}
		}
		if !named {
			r.Regions[""] = true
		}
	}
	return r
}
