package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// showAWS says of each refusal of AWS how it can be that policy allowed the call
// and AWS did not, and what to do about it.
func showAWS(b *strings.Builder, outcome Record, records []Record) {
	var decision Record
	if i := slices.IndexFunc(records, func(r Record) bool { return r.Phase == PhaseDecision && r.DecisionID == outcome.DecisionID }); i >= 0 {
		decision = records[i]
	}
	for _, refused := range outcome.AWS {
		line(b, "aws", "refused "+refused.String())
		if refused.Operation != "" {
			line(b, "", fmt.Sprintf("  %s when the server called %s", refused.Code, refused.Operation))
		}
		why, next := explained(refused, outcome, decision)
		line(b, "", prefixed("  ", why))
		line(b, "next", next)
	}
}

// explained words why AWS refused what was decided, and what to do.
func explained(refused AWSRefusal, outcome, decision Record) (why, next string) {
	grant := decision.Grant
	switch {
	case grant == nil:
		return "this call was lent no credentials", "see where the server has them from: it must have none of its own, or, with credentials.delivery: none, what those may do"
	case !refused.IsDenial():
		return credentialsEnded(outcome, grant)
	case refused.Session != "" && refused.Session != grant.SessionName:
		return "the refused session " + refused.Session + " is not the one that was lent to this call: the server has other credentials, or assumed a role itself",
			"see in CloudTrail who that session is"
	}
	on := asked(refused, decision)
	switch refused.Policy {
	case "session policy":
		if refused.Explicit {
			return deniedByGrant(outcome, grant)
		}
		return notInGrant(refused, on, decision)
	case "identity-based policy":
		if refused.Explicit {
			return "a policy of the role itself denies it; " + on.words, "let whoever keeps the role " + grant.Role + " decide whether it may"
		}
		return "the role's own policies do not allow it; " + on.words, "add " + orWhat(refused) + " to the policies of " + grant.Role
	case "permissions boundary":
		return "the permissions boundary of the role does not allow it; " + on.words, "change the boundary of " + grant.Role + " at AWS, or leave the call"
	case "":
		return "AWS did not say which policy; " + on.words, "look for the session " + grant.SessionName + " in CloudTrail"
	}
	return "that policy is outside of the role and of the proxy; " + on.words, "let whoever keeps the " + refused.Policy + " of the account or the resource change it"
}

func credentialsEnded(outcome Record, grant *Grant) (why, next string) {
	switch {
	case outcome.Timestamp.After(grant.Until):
		return "its credentials ended at " + grant.Until.Format(time.RFC3339), "ask for less in one call, or let calls take longer (limits.call_timeout)"
	case outcome.DrawsRefused > 0:
		return "the server asked for credentials when no call was under way, and got none", "try again; if it happens again, the server works on after its answers"
	}
	return "the server did not ask for the credentials of this call, or kept older ones", "try again; if it happens again, compare the clocks, and see whether the server has credentials of its own"
}

// deniedByGrant: a session policy has Denies for two reasons.
func deniedByGrant(outcome Record, grant *Grant) (why, next string) {
	if outcome.Timestamp.After(grant.Until) {
		return "the call outlived its grant, which AWS ends at " + grant.Until.Format(time.RFC3339), "ask for less in one call, or let calls take longer (limits.call_timeout)"
	}
	return "a Deny that AWS was to check again at use applied: the resource is not as it was when the proxy looked, such as its tags",
		"look at the resource's tags, and ask again: the call is then decided by what they are now"
}

func notInGrant(refused AWSRefusal, on access, decision Record) (why, next string) {
	switch {
	case refused.Action == "":
		return "the grant does not hold it", "compare the accesses above with what the server called"
	case on.at < 0 && !on.known:
		return on.words, "if the tool needs it, add it to a catalogue of your own; until then the call cannot do it"
	case on.at < 0:
		return on.words, "name in the arguments exactly the resource that is meant"
	case decision.Result != nil && on.at < len(decision.Result.Accesses) && decision.Result.Accesses[on.at].Verdict != authz.Allowed && decision.Mode == "":
		return "policy did not allow it to this persona, and the server can do without it, so it was left out of the grant", "nothing, unless the persona should have it"
	}
	return on.words + ", with conditions that did not hold: a tag has changed since the proxy looked, or the request went to another region",
		"look at the resource's tags, and ask again: the call is then decided by what they are now"
}

// access is where the call's accesses have what AWS refused.
type access struct {
	at    int  // -1: nowhere
	known bool // the action is among them
	words string
}

func asked(refused AWSRefusal, decision Record) access {
	on := access{at: -1}
	if decision.Input == nil || refused.Action == "" {
		on.words = "AWS did not say which action"
		return on
	}
	var resources []string
	for i, a := range decision.Input.Accesses {
		if !strings.EqualFold(a.Action, refused.Action) {
			continue
		}
		if refused.Resource == "" || covers(a.Resource, refused.Resource) {
			return access{i, true, "the call's grant has it"}
		}
		resources = append(resources, a.Resource)
	}
	if len(resources) == 0 {
		on.words = refused.Action + " is not among the call's accesses: the catalogue does not know that this tool does it"
		return on
	}
	on.known = true
	on.words = "the call was decided on " + strings.Join(resources[:min(len(resources), 5)], ", ") + ", not on this resource"
	return on
}

func orWhat(r AWSRefusal) string {
	if r.Action != "" {
		return r.Action
	}
	return "what " + r.Operation + " needs"
}

// covers reports whether a resource of an access, which may have wildcards, is
// or covers the one that AWS named.
func covers(pattern, resource string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == resource
	}
	rest, ok := strings.CutPrefix(resource, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}
