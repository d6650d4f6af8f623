package explain

import (
	"encoding/json"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// The answers of an explanation.
const (
	Allowed = "allowed"
	Refused = "refused"
	// Depends: allowed under some values of what is unknown, refused under
	// others. As long as they stay unknown, the call is refused.
	Depends = "depends"
)

// Explanation is the whole answer. Its JSON names are stable: members are only
// ever added.
type Explanation struct {
	Answer string `json:"answer"` // Allowed, Refused or Depends
	// Class is why, as the record names it: "allowed", "policy", "argument", ….
	Class   string   `json:"class"`
	Because []string `json:"because,omitempty"`
	// AsksUser: it is allowed only once the client's user has agreed.
	AsksUser bool `json:"asks_user,omitempty"`
	// Known lists what the catalogue would have taken in the place of what it refused.
	Known *Known `json:"known,omitempty"`

	Call        Call           `json:"call"`
	Accesses    []Access       `json:"accesses,omitempty"`
	Guardrails  []authz.Reason `json:"guardrails,omitempty"`
	Facts       Facts          `json:"facts"`
	Outcomes    []Outcome      `json:"outcomes,omitempty"`
	Suggestions []Suggestion   `json:"suggestions,omitempty"`
	Session     *Session       `json:"session,omitempty"`
	Notes       []string       `json:"notes,omitempty"`
	Revision    string         `json:"revision,omitempty"`
	Recorded    *Recorded      `json:"recorded,omitempty"`
}

// Call is who calls what.
type Call struct {
	Method       string `json:"method"`
	Server       string `json:"server"`
	Tool         string `json:"tool"`
	Operation    string `json:"operation,omitempty"`
	Principal    string `json:"principal"` // "os-user/alice"
	Persona      string `json:"persona"`
	Role         string `json:"role,omitempty"`
	Region       string `json:"region"`
	Account      string `json:"account"`
	Write        bool   `json:"write"`
	Sensitive    bool   `json:"sensitive"`
	LongRunning  bool   `json:"long_running"`
	EscapesScope bool   `json:"escapes_scope"`
}

// Known is what could have been asked for.
type Known struct {
	What  string   `json:"what"` // "tools", "operations" or "arguments"
	Names []string `json:"names"`
	// Required are those of Names that must be there.
	Required []string `json:"required,omitempty"`
}

// Access is one access and what was decided about it.
type Access struct {
	authz.Access
	Words      string        `json:"words"` // "delete service shop/checkout"
	Verdict    authz.Verdict `json:"decision"`
	Layer      string        `json:"layer"`
	Statements []Statement   `json:"statements,omitempty"`
	Undecided  []string      `json:"undecided,omitempty"` // unknown keys that the verdict depended on
	Hopeless   bool          `json:"hopeless,omitempty"`  // refused whatever those keys are
	Near       []Near        `json:"near,omitempty"`
	result     authz.AccessResult
}

// Statement is a statement that decided, shortly.
type Statement struct {
	Name       string      `json:"name"` // DOCUMENT/SID
	Layer      string      `json:"layer,omitempty"`
	Text       string      `json:"text,omitempty"` // empty if the document is not at hand
	Conditions []Condition `json:"conditions,omitempty"`
	effect     string
}

// The states of a condition.
const (
	Met     = "met"
	Failed  = "failed"
	Unknown = "unknown"
)

// Condition is one operator and key of a statement beside what the access has.
type Condition struct {
	Operator string   `json:"operator"`
	Key      string   `json:"key"`
	Wanted   []string `json:"wanted"`
	// Seen is what the access has under the key; missing if it has none.
	Seen  []string `json:"seen,omitempty"`
	State string   `json:"state"` // Met, Failed or Unknown
}

// Near is a statement that one condition kept from deciding otherwise.
type Near struct {
	Statement Statement `json:"statement"`
	Condition Condition `json:"condition"`
}

// Facts says where the tags of resources come from.
type Facts struct {
	Source string `json:"source"` // "unknown", "given", "looked up" or "recorded"
	// Tags are those that were given.
	Tags     map[string]string `json:"tags,omitempty"`
	Problems []string          `json:"problems,omitempty"`
}

// Outcome is what the decision would be under some values of unknown tags.
type Outcome struct {
	If     []string `json:"if"` // alternatives: "Environment=production"; empty for whatever else
	Allow  bool     `json:"allow"`
	Reason string   `json:"reason"`
}

// Suggestion is changes that, made together, let policy allow the call.
type Suggestion struct {
	Changes []Change `json:"changes"`
}

// Change is one change.
type Change struct {
	Kind string `json:"kind"` // "tag", "value", "resource", "persona", "setting", "statement", "region" or "guardrail"
	Text string `json:"text"`
	// Layer and Statements, of a statement: what to add, and to which documents.
	Layer      string          `json:"layer,omitempty"`
	Statements json.RawMessage `json:"statements,omitempty"`
	// Tags the resource would have, null for a tag that it would not; the persona
	// and the region it would be; what the persona's guardrails would be set to.
	Tags       map[string]*string `json:"tags,omitempty"`
	Persona    string             `json:"persona,omitempty"`
	Region     string             `json:"region,omitempty"`
	Guardrails map[string]any     `json:"guardrails,omitempty"`
	// Key is the condition key that would have Value; Resource what the call would name.
	Key      string `json:"key,omitempty"`
	Value    string `json:"value,omitempty"`
	Resource string `json:"resource,omitempty"`
	// Protects says what the change takes away protection from.
	Protects string `json:"protects,omitempty"`

	id    string
	cost  int
	apply func(situation) (situation, error)
}

// Session is what would be lent.
type Session struct {
	// None says why nothing would be.
	None   string          `json:"none,omitempty"`
	Policy json.RawMessage `json:"policy,omitempty"`
	Size   int             `json:"size,omitempty"` // characters
	Limit  int             `json:"limit"`
	// If names the case that the policy is of, when the decision depends on one.
	If string `json:"if,omitempty"`
	// Checks says what AWS checks again, Unchecked what it cannot.
	Checks    []string `json:"checks,omitempty"`
	Unchecked []string `json:"unchecked,omitempty"`
}

// Recorded is a decision of the audit log that is explained.
type Recorded struct {
	DecisionID string `json:"decision_id"`
	Time       string `json:"time"`
	Revision   string `json:"revision,omitempty"`
	Class      string `json:"class"`
	// Same: deciding again gives the answer that is on record.
	Same bool `json:"same"`
}

// note adds what else to know, if there is anything.
func (e *Explanation) note(text string) {
	if text != "" {
		e.Notes = append(e.Notes, text)
	}
}
