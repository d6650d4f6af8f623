package audit

import (
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// The phases of a record.
const (
	PhaseAsked    = "asked"    // a call that policy allows if the client's user agrees, before the user is asked
	PhaseDecision = "decision" // an allowed call, before it is forwarded
	PhaseOutcome  = "outcome"  // the same call, after
	PhaseTask     = "task"     // the same call, when there is the answer of the task that the outcome says it became
	PhaseRenewal  = "renewal"  // the same call, while it lasts: one more grant, before it is lent
	PhaseRefusal  = "refusal"  // a message that was refused, once
	PhaseEvent    = "event"    // something that was dropped or ended, outside of a call
)

// Record is one line of the log.
type Record struct {
	Phase      string    `json:"phase"`
	DecisionID string    `json:"decision_id"`
	Timestamp  time.Time `json:"timestamp"`
	// RunID names one run of the proxy.
	RunID string `json:"run_id"`
	// Seq counts the lines of the log from 1, over all runs and files, and Prev is
	// the SHA-256 of the line before: a missing number is a missing line.
	Seq  uint64 `json:"seq"`
	Prev string `json:"prev"`
	// Class says why: "allowed", or the class of refusal ("policy", "argument",
	// "unreadable", …), "shadow", or what became of the call ("answered", "tool-error", "aws-denied",
	// "aws-credentials", "withheld", "upstream", "timeout", …).
	Class string `json:"class"`
	// Mode is "shadow" when policy's verdict was not carried out; empty otherwise.
	Mode string `json:"mode,omitempty"`
	// EnforceWouldDeny: policy denies the call, and only shadow mode let it pass.
	EnforceWouldDeny bool `json:"enforce_would_deny,omitempty"`

	Path        string `json:"path,omitempty"`
	Revision    string `json:"revision,omitempty"`
	RequestedBy string `json:"requested_by,omitempty"`
	Persona     string `json:"persona,omitempty"`
	Input       *Input `json:"input,omitempty"`
	// Result is policy's answer; missing if policy was not asked.
	Result *authz.Decision `json:"result,omitempty"`
	Grant  *Grant          `json:"grant,omitempty"`
	// Approval is what the client's user was asked (asked), and then what the user
	// said (decision, refusal); missing if nobody was asked.
	Approval *Approval `json:"approval,omitempty"`
	// Message is the detail for the operator; the client saw less.
	Message string `json:"message,omitempty"`
	// Millis is how long the upstream took, in milliseconds (outcome, task).
	Millis float64 `json:"millis,omitempty"`
	// Draws counts how often the upstream drew credentials (of overlapping
	// reads: together), DrawsRefused how often it asked without a lease since
	// the outcome before (outcome only).
	Draws        int `json:"draws,omitempty"`
	DrawsRefused int `json:"draws_refused,omitempty"`
	// Redacted counts the values that were kept from the client (outcome, task).
	Redacted int `json:"redacted,omitempty"`
	// AWS is what AWS refused the server, as its answer says (outcome, task).
	AWS []AWSRefusal `json:"aws,omitempty"`

	// MAC is the HMAC-SHA256 of the line without it, if there is a key. It is last.
	MAC string `json:"mac,omitempty"`
}

// Input is what was judged.
type Input struct {
	Method    string `json:"method,omitempty"`
	Server    string `json:"server,omitempty"`
	Tool      string `json:"tool,omitempty"`
	Operation string `json:"operation,omitempty"`
	Region    string `json:"region,omitempty"`
	Account   string `json:"account,omitempty"`
	// EscapesScope: the call acts through something that outlives its grant,
	// such as a stack or a role of its own.
	EscapesScope bool `json:"escapes_scope,omitempty"`
	// ArgumentsSHA256 is the hash of the arguments as they were sent.
	ArgumentsSHA256 string         `json:"arguments_sha256,omitempty"`
	Accesses        []authz.Access `json:"accesses,omitempty"`
}

// Approval is the consent of the client's user, as the client tells it.
type Approval struct {
	Question string `json:"question,omitempty"`
	Answer   string `json:"answer,omitempty"` // AnswerAccept, …
	// Millis is how long the user took, in milliseconds; missing if the client
	// asked by itself and made its request again (MCP 2026-07-28).
	Millis float64 `json:"millis,omitempty"`
}

// The answers: MCP's words, and one for what is none.
const (
	AnswerAccept  = "accept"
	AnswerDecline = "decline"
	AnswerCancel  = "cancel" // the question was dismissed
	AnswerNone    = "none"   // in time, or none of these
)

// Grant is what was lent, without its secrets. AWS's CloudTrail knows it by
// the same access key and session name.
type Grant struct {
	AccessKeyID       string    `json:"access_key_id"`
	Role              string    `json:"role"`
	SessionName       string    `json:"session_name"`
	SessionPolicy     string    `json:"session_policy"`
	SessionPolicySize int       `json:"session_policy_size"`
	PackedPolicySize  int       `json:"packed_policy_size"`
	Until             time.Time `json:"until"`
	Reused            bool      `json:"reused,omitempty"`
}
