package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

func open(t *testing.T) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state", "audit.jsonl")
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, path
}

func TestARecordIsOneLineThatOnlyTheOwnerReads(t *testing.T) {
	l, path := open(t)
	id := NewID()
	if err := l.Append(Record{Phase: PhaseRefusal, DecisionID: id, Message: "line\nbreak \x1b[31m"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(b, []byte("\n")) != 1 || bytes.ContainsRune(b, 0x1b) {
		t.Errorf("not one clean line: %q", b)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	l, err := Open("/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Append(Record{DecisionID: "x"}); !errors.Is(err, ErrAudit) {
		t.Errorf("err = %v, want ErrAudit", err)
	}
}

func TestASymbolicLinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "audit.jsonl")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(link); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("err = %v", err)
	}
}

func TestTwoProxiesMayShareALog(t *testing.T) {
	first, path := open(t)
	second, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	var wg sync.WaitGroup
	for _, l := range []*Log{first, second} {
		for range 50 {
			wg.Go(func() {
				if err := l.Append(Record{Phase: PhaseEvent, DecisionID: "same", Message: strings.Repeat("x", 5000)}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	story, err := Find("same", path)
	if err != nil || len(story.Records) != 100 {
		t.Fatalf("%d records, %v", len(story.Records), err)
	}
	whole(t, Expect{Heads: []Head{first.Head(), second.Head()}}, path)
}

func TestATornLineHidesNoOther(t *testing.T) {
	l, path := open(t)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"phase":"decision","decision_id":"a"` + "\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := l.Append(Record{Phase: PhaseOutcome, DecisionID: "a"}); err != nil {
		t.Fatal(err)
	}
	if story, err := Find("a", path); err != nil || len(story.Records) != 1 {
		t.Errorf("%v, %v", story, err)
	}
	if _, err := Find("b", path); !errors.Is(err, ErrNotFound) {
		t.Errorf("err = %v, want ErrNotFound", err)
	}
}

func TestIdsAreTypableAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if len(id) != 20 || seen[id] || strings.ToLower(id) != id || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func TestShowTellsWhatPolicyAskedForBesides(t *testing.T) {
	access := []authz.Access{{Action: "ecs:DeleteService", Resource: "arn:x"}}
	result := &authz.Decision{Accesses: []authz.AccessResult{{Verdict: authz.ExplicitDeny, Layer: "boundary", Statements: []string{"b/Prod"}, Needs: []string{"aws:ResourceTag/Environment"}}},
		Denies:      []authz.Reason{{Code: "production", Title: "t", Message: "m", Needs: []string{"aws:ResourceTag/Team"}}},
		Obligations: []authz.Obligation{{Kind: "redact", Members: []string{"environment", "secrets"}}},
		SessionDeny: []authz.SessionDeny{{Action: []string{"ecs:Delete*"}, Resource: []string{"*"}, Condition: map[string]map[string][]string{"StringEquals": {"aws:ResourceTag/Environment": {"prod", "production"}}}}},
		Context:     map[string]any{"change": map[string]any{"ticket": "T-1\u001b"}}}
	shadowed := Record{Phase: PhaseDecision, DecisionID: "abc", Class: "shadow", Mode: "shadow", EnforceWouldDeny: true, Revision: "r1", Input: &Input{Accesses: access}, Result: result}
	refused := Record{Phase: PhaseRefusal, DecisionID: "abc", Class: "policy", Input: &Input{Accesses: access}, Result: result}
	tests := []struct {
		name  string
		r     Record
		wants []string
		never string
	}{
		{"a call that shadow mode let through", shadowed, []string{"answer     LET THROUGH by shadow mode; mode enforce would have refused it",
			"obligation redact environment, secrets", "session    AWS is to deny ecs:Delete* on *, if aws:ResourceTag/Environment StringEquals prod or production (not in mode shadow)",
			`context    change: {"ticket":"T-1\u001b"}`, "could be otherwise with another value of aws:ResourceTag/Environment",
			"could be lifted by the value of aws:ResourceTag/Team", "policy     revision r1"}, "answer     allowed"},
		{"the same refused", refused, []string{"answer     refused (policy)", "obligation redact"}, "shadow"},
		{"an allowed call in shadow mode", Record{Phase: PhaseDecision, DecisionID: "abc", Mode: "shadow"}, []string{"answer     allowed (mode shadow)"}, "LET"},
		{"an action that AWS does not limit", Record{Phase: PhaseRefusal, DecisionID: "abc", Class: "policy", Input: &Input{Accesses: []authz.Access{
			{Action: "ecs:DeregisterTaskDefinition", Resource: "*", Subject: "arn:web:1"}, {Action: "cloudformation:DeleteStack", Resource: "arn:x", Subject: "arn:x"}}}},
			[]string{"ecs:DeregisterTaskDefinition on *\n             about arn:web:1\n"}, "about arn:x"},
		{"a redacted answer", Record{Phase: PhaseOutcome, DecisionID: "abc", Class: "answered", Redacted: 3}, []string{"; 3 values kept from the client\n"}, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := Show(&b, []Record{tt.r}); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.wants {
				if !strings.Contains(b.String(), want) {
					t.Errorf("does not say %q:\n%s", want, b.String())
				}
			}
			if strings.Contains(b.String(), tt.never) {
				t.Errorf("says %q:\n%s", tt.never, b.String())
			}
		})
	}
}

// A call that the user was asked about is told once, with the question and the answer.
func TestShowTellsWhatTheUserWasAskedAndSaid(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	input := &Input{Accesses: []authz.Access{{Action: "ecs:UpdateService", Resource: "arn:x"}}}
	result := &authz.Decision{Allow: true, Obligations: []authz.Obligation{{Kind: authz.ObligationConfirm, Message: "Ask Bob."}}}
	question := Record{Phase: PhaseAsked, DecisionID: "abc", Timestamp: at, Class: "asked", Input: input, Result: result, Approval: &Approval{Question: "May the agent?\nIt would: \u202ex"}}
	answer := func(phase, class, answer string, millis float64) Record {
		return Record{Phase: phase, DecisionID: "abc", Timestamp: at, Class: class, Input: input, Result: result, Approval: &Approval{Answer: answer, Millis: millis}}
	}
	for name, tt := range map[string]struct {
		records []Record
		wants   []string
	}{
		"agreed":         {[]Record{question, answer(PhaseDecision, "allowed", AnswerAccept, 1500)}, []string{"asked      the client's user, at 2026-11-24T12:00:00Z\n             May the agent?\n             It would: \ufffdx\n", "user       agreed after 1.5 s\n", "answer     allowed\n", "obligation confirm Ask Bob."}},
		"agreed, later":  {[]Record{question, answer(PhaseDecision, "allowed", AnswerAccept, 0)}, []string{"user       agreed\n"}},
		"declined":       {[]Record{question, answer(PhaseRefusal, "unconfirmed", AnswerDecline, 10)}, []string{"user       declined after 0.0 s\n", "answer     refused (unconfirmed)\n"}},
		"dismissed":      {[]Record{question, answer(PhaseRefusal, "unconfirmed", AnswerCancel, 10)}, []string{"user       dismissed the question"}},
		"no answer":      {[]Record{question, answer(PhaseRefusal, "unconfirmed", AnswerNone, 10)}, []string{"user       gave no answer"}},
		"never answered": {[]Record{question}, []string{"answer     allowed, if the client's user agrees\n", "May the agent?"}},
	} {
		var b strings.Builder
		if err := Show(&b, tt.records); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.wants {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: does not say %q:\n%s", name, want, b.String())
			}
		}
		if n := strings.Count(b.String(), "ecs:UpdateService on arn:x"); n != 1 {
			t.Errorf("%s: tells the call %d times:\n%s", name, n, b.String())
		}
		if strings.Contains(b.String(), "explain --decision") {
			t.Errorf("%s: names explain, which knows no more:\n%s", name, b.String())
		}
	}
}

func TestShowTellsADecisionWhole(t *testing.T) {
	records := []Record{
		{Phase: PhaseDecision, DecisionID: "abc", Timestamp: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Class: "allowed", Revision: "r1",
			RequestedBy: "os-user/alice", Persona: "deployer",
			Input: &Input{Method: "tools/call", Server: "s", Tool: "ecs_resource_management", Operation: "UpdateService", ArgumentsSHA256: "00ff",
				Accesses: []authz.Access{{Action: "ecs:UpdateService", Resource: "arn:x", Context: map[string]authz.Value{"aws:ResourceTag/Environment": authz.One("stag\x1b[31ming")}}}},
			Result: &authz.Decision{Allow: true, Accesses: []authz.AccessResult{{Verdict: authz.Allowed, Layer: "identity", Statements: []string{"deploy/ECS"}}}},
			Grant:  &Grant{AccessKeyID: "ASIA1", Role: "arn:role", SessionName: "ecsmcp-abc", SessionPolicy: "{}", SessionPolicySize: 2, Until: time.Date(2026, 11, 24, 12, 2, 0, 0, time.UTC)}},
		{Phase: PhaseOutcome, DecisionID: "abc", Class: "answered", Millis: 12.34, Draws: 1},
	}
	var b strings.Builder
	if err := Show(&b, records); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"allowed", "os-user/alice as persona deployer", "ecs:UpdateService on arn:x", "allowed by deploy/ECS\n",
		"aws:ResourceTag/Environment = stag", "ASIA1, session ecsmcp-abc", "12.3 ms", "drawn once"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("does not say %q:\n%s", want, b.String())
		}
	}
	if strings.ContainsRune(b.String(), 0x1b) {
		t.Error("an escape sequence reached the terminal")
	}
}

// Whoever calls no tool is nobody's persona on record: a method that is not relayed.
func TestShowNamesNoPersonaThatWasNotAsked(t *testing.T) {
	var b strings.Builder
	if err := Show(&b, []Record{{Phase: PhaseRefusal, DecisionID: "abc", Class: "method", RequestedBy: "token/ci"}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "caller     token/ci\n") {
		t.Errorf("got\n%s", b.String())
	}
}
