package explain

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

// recordOf is the record that the gate would write of a call.
func recordOf(t *testing.T, x *Explainer, arguments json.RawMessage) audit.Record {
	t.Helper()
	message, refused, err := read(management, arguments)
	if err != nil || refused != nil {
		t.Fatal(err, refused)
	}
	q := x.inquiry(message)
	s, err := x.situation()
	if err != nil {
		t.Fatal(err)
	}
	j, err := q.ask(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	r := audit.Record{Phase: audit.PhaseRefusal, Class: "policy", DecisionID: "id", Timestamp: time.Unix(0, 0), RequestedBy: "os-user/bob", Persona: x.Persona,
		Revision: j.preview.Decision.Revision, Result: &j.preview.Decision,
		Input: &audit.Input{Method: "tools/call", Server: x.Catalog.Server(), Tool: management, Operation: j.resolution.Operation,
			Region: region, Account: account, Accesses: j.preview.Request.Accesses}}
	if j.allowed() {
		r.Phase, r.Class = audit.PhaseDecision, "allowed"
		r.Grant = &audit.Grant{SessionPolicy: j.policy, SessionPolicySize: len(j.policy)}
	}
	// As it is read from the log.
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again audit.Record
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	return again
}

func decide(t *testing.T, x *Explainer, r audit.Record) *Explanation {
	t.Helper()
	e, err := x.Decision(t.Context(), []audit.Record{r})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestARecordedRefusalIsExplainedLikeTheCall(t *testing.T) {
	x := explainer(t, "deployer", nil)
	x.Tags = map[string]string{"Environment": "production"}
	r := recordOf(t, x, api("DeleteService", deleteCheckout))
	e := decide(t, explainer(t, "reader", nil), r) // the record names the persona
	call := ask(t, x, management, api("DeleteService", deleteCheckout))
	if e.Answer != Refused || !e.Recorded.Same || e.Call.Persona != "deployer" || e.Call.Principal != "os-user/bob" || !e.Call.Write {
		t.Errorf("%+v %+v", e, e.Recorded)
	}
	if len(e.Suggestions) == 0 || len(e.Suggestions) != len(call.Suggestions) || e.Suggestions[0].Changes[0].Text != call.Suggestions[0].Changes[0].Text {
		t.Errorf("suggestions %+v, of the call %+v", e.Suggestions, call.Suggestions)
	}
	if s := e.Accesses[0].Statements; len(s) != 1 || s[0].Conditions[0].Seen[0] != "production" {
		t.Errorf("%+v", s)
	}
}

func TestARecordedAllowSaysWhatWasLent(t *testing.T) {
	x := explainer(t, "deployer", nil)
	x.Tags = map[string]string{"Environment": "staging"}
	e := decide(t, x, recordOf(t, x, api("DeleteService", deleteCheckout)))
	if e.Answer != Allowed || e.Session.Size == 0 || !strings.Contains(string(e.Session.Policy), "ecs:DeleteService") {
		t.Errorf("%+v %+v", e, e.Session)
	}
}

// What policy allows if the client's user agrees is told as that, before the call
// and of the record.
func TestWhoMustAgreeIsSaid(t *testing.T) {
	careful := func(settings any) *Explainer {
		x := explainer(t, "deployer", map[string]who{"deployer": {identity: []string{"deployment"}, boundary: []string{"region-and-production"},
			guardrails: map[string]any{"confirm": settings}}})
		x.Tags = map[string]string{"Environment": "staging"}
		return x
	}
	update := api("UpdateService", `{"cluster":"shop","service":"checkout","desiredCount":2}`)
	const asked = "the client's user is asked first, and must agree"
	notes := func(e *Explanation) string { return strings.Join(e.Notes, "\n") }
	x := careful("on")
	if e := ask(t, x, management, update); e.Answer != Allowed || !strings.Contains(notes(e), asked) || strings.Contains(notes(e), "depends on") {
		t.Errorf("%s: %s", e.Answer, notes(e))
	}
	if e := ask(t, x, management, api("ListClusters", `{}`)); strings.Contains(notes(e), asked) {
		t.Errorf("a read: %s", notes(e))
	}
	unknown := careful(map[string]any{"values": []string{"production"}})
	unknown.Tags = nil
	if e := ask(t, unknown, management, update); !strings.Contains(notes(e), "depends on aws:ResourceTag/Environment") {
		t.Errorf("with a tag that is not known: %s", notes(e))
	}

	question := recordOf(t, x, update)
	question.Phase, question.Class, question.Grant, question.Approval = audit.PhaseAsked, "asked", nil, &audit.Approval{Question: "May it?"}
	declined := question
	declined.Phase, declined.Class, declined.Approval, declined.Message = audit.PhaseRefusal, "unconfirmed", &audit.Approval{Answer: audit.AnswerDecline}, "the client's user declined"
	agreed := recordOf(t, x, update)
	agreed.Approval = &audit.Approval{Answer: audit.AnswerAccept}
	for name, tt := range map[string]struct {
		records []audit.Record
		answer  string
		note    string
	}{
		"never answered": {[]audit.Record{question}, Allowed, "there was no answer"},
		"declined":       {[]audit.Record{question, declined}, Refused, "the answer was decline"},
		"agreed":         {[]audit.Record{question, agreed}, Allowed, "the answer was accept"},
	} {
		e, err := x.Decision(t.Context(), tt.records)
		if err != nil || e.Answer != tt.answer || !strings.Contains(notes(e), tt.note) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if name == "declined" && !strings.Contains(strings.Join(e.Because, ""), "declined") {
			t.Errorf("because %q", e.Because)
		}
	}
}

func TestWhatCannotBeDecidedAgainIsToldFromTheRecord(t *testing.T) {
	x := explainer(t, "reader", nil)
	r := recordOf(t, x, api("DeleteService", deleteCheckout))
	other := r
	other.Input = &audit.Input{}
	*other.Input = *r.Input
	other.Input.Account = "999999999999"
	unknown := r
	unknown.Persona = "nobody"
	tests := []struct {
		name string
		x    *Explainer
		r    audit.Record
		note string
	}{
		{"no policy at hand", nil, r, "no policy was named"},
		{"another account", x, other, "another account or region"},
		{"a persona that the configuration has not", x, unknown, "no persona nobody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := decide(t, tt.x, tt.r)
			if e.Answer != Refused || len(e.Accesses) != 1 || e.Suggestions != nil || !strings.Contains(strings.Join(e.Notes, " "), tt.note) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestAnotherPolicySuggestsNothing(t *testing.T) {
	r := recordOf(t, explainer(t, "reader", nil), api("ListClusters", `{}`))
	r.Phase, r.Class, r.Result.Allow = audit.PhaseRefusal, "policy", false
	r.Result.Accesses[0].Verdict, r.Result.Accesses[0].Layer = authz.ImplicitDeny, "identity"
	r.Revision = "then"
	e := decide(t, explainer(t, "reader", nil), r)
	if e.Recorded.Same || e.Suggestions != nil || !strings.Contains(strings.Join(e.Notes, " "), "not the one that decided") {
		t.Errorf("%+v", e)
	}
}

func TestArgumentsThatAreNotOnRecordAreMissed(t *testing.T) {
	r := recordOf(t, explainer(t, "deployer", nil), api("DeleteService", deleteCheckout))
	r.Result.Denies = append(slices.Clone(r.Result.Denies), authz.Reason{Code: "own", Title: "Own", Message: "the arguments say so"})
	e := decide(t, explainer(t, "deployer", nil), r)
	if e.Recorded.Same || e.Suggestions != nil || !strings.Contains(strings.Join(e.Notes, " "), "give the call with --tool and --arguments") {
		t.Errorf("%+v", e.Notes)
	}
}

func TestARecordWithoutADecisionIsNone(t *testing.T) {
	if _, err := explainer(t, "reader", nil).Decision(t.Context(), []audit.Record{{Phase: audit.PhaseOutcome}}); err == nil {
		t.Error("explained")
	}
	e := decide(t, explainer(t, "reader", nil), audit.Record{Phase: audit.PhaseRefusal, Class: "argument", Message: "must be a list", Persona: "reader", Input: &audit.Input{Tool: "x"}})
	if e.Answer != Refused || e.Class != "argument" || !slices.Equal(e.Because, []string{"must be a list"}) {
		t.Errorf("%+v", e)
	}
}

// A message that is no call is nobody's persona, and is about no tool.
func TestARecordOfAMessageThatIsNoCallSaysSo(t *testing.T) {
	t.Parallel()
	e := decide(t, nil, audit.Record{Phase: audit.PhaseRefusal, Class: "method", Message: `method "foo/bar" is not relayed`, RequestedBy: "token/ci", Input: &audit.Input{Method: "foo/bar"}})
	var b strings.Builder
	if err := e.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Refused (method): the message was not relayed.\n", "\nThe message\n  method     foo/bar\n  from       token/ci\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("does not say %q:\n%s", want, b.String())
		}
	}
}
