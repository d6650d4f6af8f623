package explain

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// ErrNoDecision is the class of a record that decides nothing.
var ErrNoDecision = errors.New("the record holds no decision")

// Decision explains a decision of the audit log. The record holds the accesses
// with what was known about them, and not the arguments. What decided is told
// from the record; what would allow it, only if deciding again with the policy of
// x gives the same answer. x may be nil: then the record alone is told.
func (x *Explainer) Decision(ctx context.Context, records []audit.Record) (*Explanation, error) {
	of := func(phases ...string) int {
		return slices.IndexFunc(records, func(r audit.Record) bool { return slices.Contains(phases, r.Phase) && r.Input != nil })
	}
	i := of(audit.PhaseDecision, audit.PhaseRefusal)
	if i < 0 {
		i = of(audit.PhaseAsked) // and never answered
	}
	if i < 0 {
		return nil, ErrNoDecision
	}
	r := records[i]
	e := fromRecord(r)
	if x != nil {
		e.Notes = append(e.Notes, x.Notes...)
	}
	if r.Result == nil || len(r.Result.Accesses) != len(r.Input.Accesses) {
		return e, nil
	}
	if x == nil {
		e.Accesses = accesses(r.Input.Accesses, r.Result.Accesses, nil)
		e.Notes = append(e.Notes, "statements are not quoted, and nothing is suggested, because no policy was named; name it with --config FILE, or with the flags of wrap")
		return e, nil
	}
	q, s, err := x.again(r)
	if err != nil {
		e.Accesses = accesses(r.Input.Accesses, r.Result.Accesses, nil)
		e.Notes = append(e.Notes, err.Error())
		return e, nil
	}
	e.Call.Role = s.caller.Role
	e.Call.Write, e.Call.Sensitive = q.recorded.Write, q.recorded.Sensitive
	e.Accesses = accesses(r.Input.Accesses, r.Result.Accesses, library(s.persona()))
	j, err := q.ask(ctx, s)
	if err != nil {
		return nil, err
	}
	if e.Recorded.Same = sameAnswer(*r.Result, j.preview.Decision); !e.Recorded.Same {
		e.Notes = append(e.Notes, differs(r, j))
		return e, nil
	}
	if !j.allowed() {
		e.Suggestions, err = q.search(ctx, j, false)
		e.note(q.untried)
	} else if e.Session.Policy != nil {
		lent := session(j)
		e.Session.Checks, e.Session.Unchecked = lent.Checks, lent.Unchecked
	}
	return e, err
}

// fromRecord is what the record says by itself.
func fromRecord(r audit.Record) *Explanation {
	in := r.Input
	e := &Explanation{Answer: Refused, Class: r.Class, Revision: r.Revision, Facts: Facts{Source: "recorded"},
		Call: Call{Method: in.Method, Server: in.Server, Tool: in.Tool, Operation: in.Operation, Principal: r.RequestedBy, Persona: r.Persona,
			Region: in.Region, Account: in.Account, EscapesScope: in.EscapesScope},
		Recorded: &Recorded{DecisionID: r.DecisionID, Time: r.Timestamp.UTC().Format(time.RFC3339), Revision: r.Revision, Class: r.Class},
		Session:  &Session{Limit: grant.MaxPolicy, None: "a refused call is lent nothing"},
	}
	if r.Phase != audit.PhaseRefusal {
		e.Answer = Allowed
		e.Session.None = "the call was lent nothing"
	}
	if r.Message != "" && r.Result == nil || r.Class == "credentials" || r.Class == "unconfirmed" {
		e.Because = []string{r.Message}
	}
	if r.Result != nil {
		e.Guardrails = r.Result.Denies
	}
	if r.Result != nil && r.Phase == audit.PhaseDecision {
		e.kept(r.Result.Obligations)
	}
	e.AsksUser = r.Phase == audit.PhaseAsked // else it is known what was said
	switch a := r.Approval; {
	case r.Phase == audit.PhaseAsked:
		e.Notes = append(e.Notes, "the client's user was asked first, and there was no answer, so the call did not go ahead")
	case a != nil:
		e.Notes = append(e.Notes, "the client's user was asked first, and the answer was "+a.Answer)
	}
	if r.EnforceWouldDeny {
		e.Notes = append(e.Notes, "policy denies the call; it went ahead only because the mode was shadow")
	}
	if g := r.Grant; g != nil {
		e.Session = &Session{Limit: grant.MaxPolicy, Policy: json.RawMessage(g.SessionPolicy), Size: g.SessionPolicySize}
		e.Call.Role = g.Role
	}
	return e
}

// again is the question of a record, put to the policy of x.
func (x *Explainer) again(r audit.Record) (*inquiry, situation, error) {
	in := r.Input
	caller, ok := x.Callers[r.Persona]
	switch {
	case !ok:
		return nil, situation{}, errors.New("the policy at hand has no persona " + r.Persona + ", so statements are not quoted and nothing is suggested; name the configuration that decided")
	case in.Server != x.Catalog.Server():
		return nil, situation{}, errors.New("the catalogue at hand is of " + x.Catalog.Server() + ", the record of " + in.Server + "; name the configuration that decided")
	case in.Account != caller.Env.Account || in.Region != caller.Env.Region:
		return nil, situation{}, errors.New("the configuration at hand is of another account or region than the record; name the one that decided")
	}
	kind, id, _ := strings.Cut(r.RequestedBy, "/")
	caller.Principal.Kind, caller.Principal.ID = kind, id
	own := *x
	own.Persona, own.Facts, own.Tags = r.Persona, nil, nil
	resolution := &catalog.Resolution{Tool: in.Tool, Operation: in.Operation, Accesses: in.Accesses, EscapesScope: in.EscapesScope}
	resolution.Write, resolution.Sensitive, resolution.LeavesCredentials = x.Catalog.Flags(in.Tool, in.Operation)
	q := own.inquiry(&wire.Message{Method: in.Method, Name: in.Tool})
	q.recorded = resolution
	return q, situation{caller: caller, personas: x.Personas}, nil
}

// sameAnswer compares what two decisions decided.
func sameAnswer(a, b authz.Decision) bool {
	code := func(r authz.Reason) string { return r.Code + "\n" + r.Message }
	codes := func(d authz.Decision) (all []string) {
		for _, r := range d.Denies {
			all = append(all, code(r))
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return a.Allow == b.Allow && slices.Equal(codes(a), codes(b)) && slices.EqualFunc(a.Accesses, b.Accesses, func(x, y authz.AccessResult) bool {
		return x.Verdict == y.Verdict && x.Layer == y.Layer && slices.Equal(x.Statements, y.Statements)
	})
}

func differs(r audit.Record, j judged) string {
	now := j.preview.Decision
	if now.Revision != r.Revision {
		return "the policy at hand is not the one that decided (revision " + now.Revision + ", then " + r.Revision + ") and decides otherwise: " + reason(j) + "; so nothing is suggested"
	}
	return "a guardrail looked at the arguments, which are not on record, so the decision cannot be made again and nothing is suggested; give the call with --tool and --arguments"
}
