package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Show writes the records of one decision for a person to read.
func Show(w io.Writer, records []Record) error {
	var b strings.Builder
	decided := slices.ContainsFunc(records, func(r Record) bool { return r.Phase == PhaseDecision || r.Phase == PhaseRefusal })
	for _, r := range records {
		if r.Phase == PhaseAsked && decided { // all else is said once more below
			line(&b, "asked", "the client's user, at "+r.Timestamp.Format(time.RFC3339))
			showApproval(&b, r.Approval)
			continue
		}
		switch r.Phase {
		case PhaseRenewal:
			if g := r.Grant; g != nil {
				line(&b, "renewed", fmt.Sprintf("%s, denied by AWS after %s", g.AccessKeyID, g.Until.Format(time.RFC3339)))
			} else {
				line(&b, "renewal", "failed, so the call had no credentials any more: "+r.Message)
			}
		case PhaseOutcome, PhaseTask:
			fmt.Fprintf(&b, "%-11s%s after %.1f ms", r.Phase, r.Class, r.Millis)
			if r.Phase == PhaseOutcome {
				fmt.Fprintf(&b, "; credentials drawn %s", times(r.Draws))
			}
			if r.Redacted > 0 {
				fmt.Fprintf(&b, "; %d values kept from the client", r.Redacted)
			}
			if r.DrawsRefused > 0 {
				fmt.Fprintf(&b, ", refused %s", times(r.DrawsRefused))
			}
			b.WriteByte('\n')
			if !strings.HasPrefix(r.Class, "aws-") { // said below, with more
				line(&b, "", r.Message)
			}
			showAWS(&b, r, records)
		default:
			showDecision(&b, r)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func showDecision(b *strings.Builder, r Record) {
	line(b, "decision", r.DecisionID+"  "+r.Timestamp.Format(time.RFC3339))
	line(b, "answer", answer(r))
	line(b, "because", r.Message)
	if r.RequestedBy != "" {
		line(b, "caller", r.RequestedBy+prefixed(" as persona ", r.Persona))
	}
	if in := r.Input; in != nil {
		line(b, "call", strings.TrimSpace(strings.Join([]string{in.Method, in.Server, in.Tool, in.Operation}, " ")))
		line(b, "arguments", prefixed("sha256:", in.ArgumentsSHA256))
		if in.EscapesScope {
			line(b, "note", "the call acts through something that outlives its grant, such as a stack or a role of its own")
		}
		showAccesses(b, in.Accesses, r)
	}
	if r.Result != nil {
		for _, d := range r.Result.Denies {
			line(b, "guardrail", d.Code+": "+d.Title+": "+d.Message)
			line(b, "remedy", d.Remedy)
			line(b, "", prefixed("  could be lifted by the value of ", strings.Join(d.Needs, ", ")))
		}
		showObligations(b, r)
	}
	showApproval(b, r.Approval)
	if g := r.Grant; g != nil {
		line(b, "grant", fmt.Sprintf("%s, session %s of %s", g.AccessKeyID, g.SessionName, g.Role))
		line(b, "", fmt.Sprintf("session policy of %d characters (packed %d %%), denied by AWS after %s", g.SessionPolicySize, g.PackedPolicySize, g.Until.Format(time.RFC3339)))
		line(b, "", g.SessionPolicy)
	}
	line(b, "policy", prefixed("revision ", r.Revision))
	if r.Phase == PhaseRefusal && r.Result != nil && r.Class != "unconfirmed" {
		line(b, "next", "ecs-mcp-proxy explain --decision "+r.DecisionID+" --config FILE says what would allow it")
	}
}

// answer says what became of the call, and what policy said if that is not the same.
func answer(r Record) string {
	switch {
	case r.Phase == PhaseAsked:
		return "allowed, if the client's user agrees"
	case r.Phase != PhaseDecision:
		return "refused (" + r.Class + ")"
	case r.EnforceWouldDeny:
		return "LET THROUGH by shadow mode; mode enforce would have refused it"
	case r.Mode != "":
		return "allowed (mode " + r.Mode + ")"
	}
	return "allowed"
}

// showApproval says what the client's user was asked, and what the user said.
func showApproval(b *strings.Builder, a *Approval) {
	if a == nil {
		return
	}
	if a.Question != "" {
		for text := range strings.SplitSeq(a.Question, "\n") {
			line(b, "", "  "+text)
		}
	}
	took := ""
	if a.Millis > 0 {
		took = fmt.Sprintf(" after %.1f s", a.Millis/1000)
	}
	line(b, "user", map[string]string{AnswerAccept: "agreed" + took, AnswerDecline: "declined" + took, AnswerCancel: "dismissed the question" + took, AnswerNone: "gave no answer" + took}[a.Answer])
}

// showObligations says what guardrails asked for besides a verdict.
func showObligations(b *strings.Builder, r Record) {
	for _, o := range r.Result.Obligations {
		line(b, "obligation", strings.TrimSpace(o.Kind+" "+strings.Join(o.Members, ", ")+o.Message))
	}
	for _, d := range r.Result.SessionDeny {
		text := "AWS is to deny " + strings.Join(d.Action, ", ") + " on " + strings.Join(d.Resource, ", ")
		for _, operator := range slices.Sorted(maps.Keys(d.Condition)) {
			for _, key := range slices.Sorted(maps.Keys(d.Condition[operator])) {
				text += fmt.Sprintf(", if %s %s %s", key, operator, strings.Join(d.Condition[operator][key], " or "))
			}
		}
		if r.Mode != "" {
			text += " (not in mode " + r.Mode + ")"
		}
		line(b, "session", text)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Result.Context)) {
		text, err := json.Marshal(r.Result.Context[name])
		if err != nil {
			text = []byte(err.Error())
		}
		line(b, "context", name+": "+string(text))
	}
}

func showAccesses(b *strings.Builder, accesses []authz.Access, r Record) {
	for i, a := range accesses {
		line(b, "access", a.Action+" on "+a.Resource)
		if a.Subject != "" && a.Subject != a.Resource {
			line(b, "", "  about "+a.Subject)
		}
		if d := r.Result; d != nil && i < len(d.Accesses) {
			showResult(b, d.Accesses[i], a.Optional && r.Mode == "")
		}
		for _, key := range slices.Sorted(maps.Keys(a.Context)) {
			line(b, "", fmt.Sprintf("  %s = %s", key, strings.Join(a.Context[key].Values, ", ")))
		}
	}
}

func showResult(b *strings.Builder, r authz.AccessResult, optional bool) {
	text := r.Verdict.String()
	switch {
	case r.Hopeless():
		text = "no Allow of the persona's policies applies, whatever " + strings.Join(r.Unknown, ", ") + " may be (not looked up)"
	case len(r.Statements) > 0:
		text += " by " + strings.Join(r.Statements, ", ")
	}
	if r.Layer != "" && r.Verdict != authz.Allowed && !r.Hopeless() {
		text += " (" + r.Layer + ")"
	}
	if optional && r.Verdict != authz.Allowed {
		text += "; optional, so it was left out of the grant"
	}
	line(b, "", "  "+text)
	line(b, "", prefixed("  could be otherwise with another value of ", strings.Join(r.Needs, ", ")))
	if len(r.Unknown) > 0 && !r.Hopeless() {
		line(b, "", "  could not be determined: "+strings.Join(r.Unknown, ", "))
	}
	for _, n := range r.Near {
		did := "an Allow that did not apply"
		if r.Verdict == authz.Allowed {
			did = "a Deny that did not apply"
		}
		line(b, "", fmt.Sprintf("  %s, by its %s on %s: %s", did, n.Operator, n.Key, n.Statement))
	}
}

func line(b *strings.Builder, label, text string) {
	if text != "" {
		fmt.Fprintf(b, "%-10s %s\n", label, printable(text))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// printable keeps control characters of a record from reaching a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return '\uFFFD'
		}
		return r
	}, s)
}
