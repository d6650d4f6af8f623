package authz

import (
	"fmt"
	"slices"
)

// Verdict is IAM's answer for one access. The zero value denies.
type Verdict int

// The verdicts, in IAM's own words.
const (
	ImplicitDeny Verdict = iota
	ExplicitDeny
	Allowed
)

var verdictNames = [...]string{"implicitDeny", "explicitDeny", "allowed"}

// String returns IAM's word: implicitDeny, explicitDeny or allowed.
func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return "implicitDeny"
	}
	return verdictNames[v]
}

// MarshalText writes IAM's word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText accepts IAM's three words and nothing else.
func (v *Verdict) UnmarshalText(b []byte) error {
	for i, name := range verdictNames {
		if name == string(b) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("read verdict: unknown word %q", b)
}

// NearMiss names a statement that would have decided otherwise, and the one
// condition key that kept it from matching.
type NearMiss struct {
	Statement string `json:"statement"`
	Key       string `json:"key"`
	Operator  string `json:"operator"`
}

// AccessResult is policy's answer for the access at the same index of the Request.
type AccessResult struct {
	Verdict Verdict `json:"decision"`
	// Layer that decided: "identity", "boundary", "session" or "mcp".
	Layer string `json:"layer"`
	// Statements that decided, as DOCUMENT/SID (or DOCUMENT/#INDEX without a Sid).
	Statements []string `json:"statements"`
	// Unknown keys that the deciding statements depended on.
	Unknown []string `json:"unknown"`
	// Possible: with other values of the unknown keys the access could be allowed.
	Possible bool `json:"possible"`
	// Needs lists the unknown keys on whose value the verdict could depend.
	Needs []string   `json:"needs"`
	Near  []NearMiss `json:"near"`
}

// Clone returns a copy that shares nothing with r.
func (r AccessResult) Clone() AccessResult {
	r.Statements, r.Unknown, r.Needs, r.Near = slices.Clone(r.Statements), slices.Clone(r.Unknown), slices.Clone(r.Needs), slices.Clone(r.Near)
	return r
}

// Hopeless reports that the access was refused for want of a fact although no
// fact could have allowed it: no Allow applies at all.
func (r AccessResult) Hopeless() bool {
	return r.Verdict != Allowed && len(r.Unknown) > 0 && !r.Possible
}

// Reason is one guardrail's deny.
type Reason struct {
	Code    string `json:"code"`
	Title   string `json:"title"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
	// Needs lists unknown condition keys that could lift the deny: it is then
	// worth looking them up and asking again. Empty: nothing lifts it.
	Needs []string `json:"needs,omitempty"`
}

// SessionDeny is a Deny statement that the grant repeats in its session policy,
// as far as it is about the decided actions, so that AWS checks again at use.
// Its members are IAM's own.
type SessionDeny struct {
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// Decision is policy's answer to a Request. The zero value denies.
type Decision struct {
	Allow       bool           `json:"allow"`
	Accesses    []AccessResult `json:"accesses"`
	Denies      []Reason       `json:"denies,omitempty"`
	Obligations []Obligation   `json:"obligations,omitempty"`
	SessionDeny []SessionDeny  `json:"session_deny,omitempty"`
	// Context is what guardrails want to be kept in the record, by their names.
	Context map[string]any `json:"context,omitempty"`
	// Revision of the policy that decided.
	Revision string `json:"revision,omitempty"`
}

// Possible reports whether knowing the unknown keys could turn a deny into an
// allow: only then is it worth (and safe) to look facts up.
func (d Decision) Possible(r Request) bool {
	if len(d.Accesses) != len(r.Accesses) || len(d.Accesses) == 0 {
		return false
	}
	for _, deny := range d.Denies {
		if len(deny.Needs) == 0 {
			return false
		}
	}
	for i, a := range d.Accesses {
		if !a.Possible && !r.Accesses[i].Optional {
			return false
		}
	}
	return true
}

// Granted returns the accesses of r that d allowed; an optional access that was
// denied is left out. It returns nil unless d allows.
func (d Decision) Granted(r Request) []Access {
	if !d.Allow || len(d.Accesses) != len(r.Accesses) {
		return nil
	}
	var granted []Access
	for i, a := range d.Accesses {
		if a.Verdict == Allowed {
			granted = append(granted, r.Accesses[i])
		}
	}
	return granted
}
