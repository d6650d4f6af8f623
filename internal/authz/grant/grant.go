package grant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// MinLife is the shortest life of an STS session.
// Source: STS API reference, AssumeRole, parameter DurationSeconds.
const MinLife = 900 * time.Second

// Margin is how long a grant outlives its call's deadline at AWS, so that a
// clock that is a little off does not cut an honest call short.
const Margin = 30 * time.Second

// ReuseWindow is how long the grant of a non-sensitive read lives at AWS.
const ReuseWindow = 120 * time.Second

// Order is what a grant is minted for. Everything in it comes from
// configuration, the established principal and the decision, never from a
// message.
type Order struct {
	DecisionID     string
	Role           string // ARN of the persona's role
	Region         string
	SourceIdentity string
	// InheritIdentity leaves the source identity to AWS, which keeps that of
	// the proxy's own session. SourceIdentity still tells scopes apart.
	InheritIdentity bool
	ExternalID      string
	Tags            map[string]string // session tags
	Transitive      []string          // keys of Tags that a chain of roles hands on
	Items           []Item
	Denies          []authz.SessionDeny // repeated as far as they are about Items
	Deadline        time.Time           // of the call
	// Renews: the call may outlast a session, and whoever minted for it renews
	// the grant with [Broker.Keep].
	Renews bool
	// Reusable: a non-sensitive read, whose grant may serve equal reads.
	Reusable bool

	scope string // once it was worked out
}

// Settle works out the scope, so that it need not be again. What is part of it must
// not be changed afterwards. Errors are those of [Compile].
func (o *Order) Settle() (scope string, err error) {
	o.scope, err = o.Scope()
	return o.scope, err
}

// Scope is what two calls must have in common to share a grant: everything but
// the time at which it ends.
func (o Order) Scope() (string, error) {
	if o.scope != "" {
		return o.scope, nil
	}
	policy, err := Compile(o.Items, o.Region, time.Unix(0, 0), o.Denies...)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %t %q %q %q", o.Role, o.Region, o.SourceIdentity, o.InheritIdentity, o.ExternalID, o.Transitive, policy)
	for _, k := range slices.Sorted(maps.Keys(o.Tags)) {
		fmt.Fprintf(h, " %q=%q", k, o.Tags[k])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Grant is a set of scoped STS credentials. Its secret parts are not exported:
// they leave the package only through [Endpoint] and [Grant.Environ].
type Grant struct {
	AccessKeyID string
	SessionName string
	Role        string
	Policy      string    // the session policy as sent
	PackedSize  int       // AWS's PackedPolicySize, percent
	Until       time.Time // AWS denies everything after it; by this machine's clock
	Expires     time.Time // the keys' own end; likewise
	// Skew is how far AWS's clock was ahead of this machine's.
	Skew   time.Duration
	Reused bool // minted for an earlier decision of the same scope

	secret, token hidden
}

// again is the grant for one more call of its scope.
func (g *Grant) again() *Grant {
	again := *g
	again.Reused = true
	return &again
}

// hidden is a string that printing does not reach: fmt reads unexported fields
// and follows pointers, but does not look into a function.
type hidden func() string

func hide(s string) hidden { return func() string { return s } }

func (h hidden) reveal() string {
	if h == nil {
		return ""
	}
	return h()
}

// Format names the grant without its secrets, whatever the verb and whether it
// is printed by value or by pointer.
func (g Grant) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "grant %s", g.AccessKeyID) }

// SourceIdentity turns a principal into STS's SourceIdentity: readable, and
// unique by a hash of both, since the charset or the length may lose something.
// Source: STS API reference, AssumeRole, [\w+=,.@-]{2,64}.
func SourceIdentity(kind, id string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", kind, id))
	readable := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_+=,.@-", r):
			return r
		}
		return '-'
	}, id)
	if len(readable) > 40 {
		readable = readable[:40]
	}
	return readable + "-" + hex.EncodeToString(sum[:10])
}

// SessionPrefix stands before the decision's id in a session name, which is how
// a decision is found again in CloudTrail.
const SessionPrefix = "ecsmcp-"
