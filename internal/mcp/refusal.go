package mcp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/lane"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// JSON-RPC error codes. Source: JSON-RPC 2.0 section 5.1.
const (
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
)

// codeMissingCapability is MCP's own. Source: MCP 2026-07-28, basic: missing required client capability.
const codeMissingCapability = -32021

// The classes of refusal and of outcome, as the record names them.
const (
	classAllowed     = "allowed"
	classShadow      = "shadow" // let through although policy denies
	classUnreadable  = "unreadable"
	classMethod      = "method"
	classInFlight    = "in-flight" // the id is in use, or too many requests are
	classUnknownTool = "unknown-tool"
	classUnknownTask = "unknown-task" // none of the caller's
	classToolChanged = "tool-changed" // says something else of itself than it did
	classArgument    = "argument"
	classHeader      = "header"      // one that repeats an argument says something else
	classPolicy      = "policy"      // policy denied, or could not be asked: then there is no result
	classUnconfirmed = "unconfirmed" // the client's user did not agree
	classAsked       = "asked"       // the client asks its user, and makes the call again
	classCredentials = "credentials"
	classAudit       = "audit"
	classUpstream    = "upstream"
	classTimeout     = "timeout"
	classCancelled   = "cancelled"
	classInternal    = "internal"
	classAnswered    = "answered"
	classToolError   = "tool-error"
	classWithheld    = "withheld" // answered, and the answer is too long to be passed on, or a task that nobody may follow
	classTask        = "task"     // answered with a task, which goes on
	// What the server says of AWS in its answer.
	classAWSDenied      = "aws-denied"
	classAWSCredentials = "aws-credentials" // not accepted, or none
)

// refusal is why a call does not go ahead. Its two texts differ on purpose:
// the client is told what was refused, the record also why in full.
type refusal struct {
	class  string
	client string // what the client is told
	detail string // what the record says beside it
}

func (r *refusal) Error() string { return r.class + ": " + r.detail }

// classify turns an error of a step into a refusal. An error of no known class
// is an internal one: the client learns the id and nothing else.
func classify(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	detail := err.Error()
	switch {
	case errors.Is(err, catalog.ErrUnknownTool):
		return &refusal{classUnknownTool, "there is no such tool", detail}
	case errors.Is(err, catalog.ErrUnknownOperation), errors.Is(err, catalog.ErrArgument):
		return &refusal{classArgument, detail, detail}
	case errors.Is(err, grant.ErrSessionDeny):
		return policyError(err)
	case errors.Is(err, grant.ErrPolicySize):
		return &refusal{classCredentials, detail, detail}
	case errors.Is(err, grant.ErrCredentials):
		return &refusal{classCredentials, "AWS did not lend credentials for it; that is the proxy's set-up, not the call, so other arguments will not help: tell whoever runs it", detail}
	case errors.Is(err, audit.ErrAudit):
		return &refusal{classAudit, "the audit log cannot be written, and nothing is done without a record", detail}
	case errors.Is(err, lane.ErrStart):
		return &refusal{classUpstream, "the ECS MCP server could not be started for it; that is the proxy's set-up, not the call: tell whoever runs it", detail}
	case errors.Is(err, lane.ErrClosed):
		return &refusal{classUpstream, "the ECS MCP server is gone", detail}
	}
	return &refusal{classInternal, "it could not be judged", detail}
}

// short bounds a name from a message before it is recorded or repeated.
func short(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// denial words a decided deny. With full detail it names what decided; never a
// fact's value, never policy text, never a remedy.
func denial(r authz.Request, d authz.Decision, full bool) *refusal {
	var lines, told []string
	hopeless := hopeless(r, d)
	for _, reason := range d.Denies {
		if hopeless && len(reason.Needs) > 0 {
			continue // a fact would lift it; none was looked up, because none would help
		}
		lines = append(lines, fmt.Sprintf("guardrail %s: %s", reason.Code, reason.Message))
		told = append(told, lines[len(lines)-1])
	}
	for i, a := range d.Accesses {
		if a.Verdict == authz.Allowed || r.Accesses[i].Optional {
			continue
		}
		access := r.Accesses[i]
		lines = append(lines, verdictLine(access, a))
		if access.Named != "" {
			access.Resource = access.Named // what was looked up is for the record only
		}
		told = append(told, verdictLine(access, a))
	}
	detail, client := strings.Join(lines, "; "), strings.Join(told, "; ")
	if detail == "" {
		detail = "policy allowed nothing"
		client = detail
	}
	switch {
	case !full: // the same words whether a look-up failed or not
		client = "policy does not allow it"
	case hopeless || !forWantOfFacts(d):
		client += ". Trying again will not change that"
	}
	return &refusal{classPolicy, client, detail}
}

// hopeless: no fact could have allowed what the server cannot do without.
func hopeless(r authz.Request, d authz.Decision) bool {
	for i, a := range d.Accesses {
		if a.Verdict != authz.Allowed && !a.Possible && !r.Accesses[i].Optional {
			return true
		}
	}
	return false
}

// forWantOfFacts: a look-up that failed may succeed another time.
func forWantOfFacts(d authz.Decision) bool {
	return slices.ContainsFunc(d.Accesses, func(a authz.AccessResult) bool {
		return a.Verdict != authz.Allowed && len(a.Unknown) > 0 && a.Possible
	}) || slices.ContainsFunc(d.Denies, func(deny authz.Reason) bool { return len(deny.Needs) > 0 })
}

// verdictLine is one denied access in IAM's words.
func verdictLine(a authz.Access, result authz.AccessResult) string {
	line := fmt.Sprintf("%s on %s: %s", a.Action, a.Resource, result.Verdict)
	switch {
	case result.Hopeless():
		return fmt.Sprintf("%s on %s: nothing in the persona's policies allows it", a.Action, a.Resource)
	case len(result.Statements) > 0:
		line += " by " + strings.Join(slices.Compact(slices.Clone(result.Statements)), ", ")
	case result.Layer != "":
		line += ": no statement of the persona's " + result.Layer + " policy allows it"
	}
	if len(result.Unknown) > 0 {
		line += " because " + strings.Join(result.Unknown, ", ") + " could not be determined"
	}
	return line
}

// say words the refusal for the client, with the way to the whole record.
func (g *Gate) say(r *refusal, id string) string {
	sentence := strings.TrimRight(r.client, ".")
	if !strings.HasSuffix(sentence, "?") {
		sentence += "."
	}
	if r.class == classAudit {
		return "Refused by ecs-mcp-proxy: " + sentence // there is no record to look at
	}
	return fmt.Sprintf("Refused by ecs-mcp-proxy: %s\nDecision %s; to see all of it: %s", sentence, id, g.ShowCommand(id))
}

// answer is the message the client gets for a refused call. A tool's refusal
// is a tool result, so that the model reads it; a tool that does not exist,
// like every other method, gets a JSON-RPC error.
func (g *Gate) answer(m *wire.Message, r *refusal, id string) []byte {
	data := map[string]string{"decision_id": id, "class": r.class}
	switch {
	case m.Method == "tools/call" && r.class == classUnknownTool:
		// Hidden and unknown tools get the same bytes but for the id.
		return wire.ErrorResponse(m.ID, codeInvalidParams, "Unknown tool: refused by ecs-mcp-proxy. To see all of it: "+g.ShowCommand(id), data)
	case r.class == classHeader:
		return wire.ErrorResponse(m.ID, codeHeaderMismatch, g.say(r, id), data)
	case toldInResult(m):
		return wire.ToolError(m.ID, g.say(r, id), nil, m.ModernVersion)
	case r.class == classMethod:
		return wire.ErrorResponse(m.ID, codeMethodNotFound, g.say(r, id), data)
	case r.class == classInternal || r.class == classUpstream || r.class == classAudit:
		return wire.ErrorResponse(m.ID, codeInternal, g.say(r, id), data)
	}
	return wire.ErrorResponse(m.ID, codeInvalidParams, g.say(r, id), data)
}
