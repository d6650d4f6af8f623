package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestShowTellsWhoSharedAGrantAndWhereAWSRecordedIt(t *testing.T) {
	l, path := open(t)
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	lent := func(key string) *Grant {
		return &Grant{AccessKeyID: key, SessionName: "ecsmcp-first", Role: "arn:aws:iam::123456789012:role/mcp", Until: at.Add(2 * time.Minute)}
	}
	input := &Input{Method: "tools/call", Tool: "ecs_resource_management", Operation: "ListClusters", Region: "eu-west-1"}
	for _, r := range []Record{
		{Phase: PhaseDecision, DecisionID: "first", Timestamp: at, Input: input, Grant: lent("ASIA0123456789ABCDEF"), RequestedBy: "token/ci"},
		{Phase: PhaseDecision, DecisionID: "second", Timestamp: at.Add(time.Second), Input: input, Grant: lent("ASIA0123456789ABCDEF"), RequestedBy: "token/ci"},
		{Phase: PhaseOutcome, DecisionID: "first", Class: "answered"},
		{Phase: PhaseOutcome, DecisionID: "second", Class: "answered"},
		{Phase: PhaseDecision, DecisionID: "third", Timestamp: at, Input: input, Grant: lent("ASIAANOTHERKEY000000")},
		{Phase: PhaseRenewal, DecisionID: "third", Timestamp: at, Grant: lent("ASIARENEWEDKEY000000")},
		{Phase: PhaseDecision, DecisionID: "fourth", Grant: &Grant{AccessKeyID: "'; rm -rf ~ #'0000", SessionName: "ecsmcp-fourth"}},
		{Phase: PhaseRefusal, DecisionID: "fifth", Class: "policy"},
		{Phase: PhaseDecision, DecisionID: "sixth", Timestamp: at, Input: input},
		{Phase: PhaseOutcome, DecisionID: "sixth", Class: "task", Message: "the task sha256:0 goes on"},
		{Phase: PhaseTask, DecisionID: "sixth", Class: "answered", Message: "the answer of the task sha256:0", Redacted: 2},
	} {
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		id    string
		wants []string
		never string
	}{
		{"second", []string{"shared     first  2026-11-24T12:00:00Z  ecs_resource_management ListClusters  by token/ci\n", "were lent the same grant",
			"cloudtrail aws cloudtrail lookup-events --region eu-west-1 --lookup-attributes AttributeKey=AccessKeyId,AttributeValue=ASIA0123456789ABCDEF --start-time 2026-11-24T11:59:01Z --end-time 2026-11-24T12:17:00Z\n",
			"athena     SELECT ", "useridentity.accesskeyid IN ('ASIA0123456789ABCDEF') OR useridentity.arn LIKE '%:assumed-role/%/ecsmcp-first')"}, "third"},
		{"third", []string{"AttributeValue=ASIAANOTHERKEY000000 ", "           aws cloudtrail lookup-events --region eu-west-1 --lookup-attributes AttributeKey=AccessKeyId,AttributeValue=ASIARENEWEDKEY000000",
			"IN ('ASIAANOTHERKEY000000', 'ASIARENEWEDKEY000000')"}, "shared"},
		{"fourth", []string{"decision   fourth"}, "cloudtrail"},
		{"fifth", []string{"refused (policy)"}, "cloudtrail"},
		{"sixth", []string{"outcome    task after 0.0 ms; credentials drawn 0 times\n           the task sha256:0 goes on\n",
			"task       answered after 0.0 ms; 2 values kept from the client\n           the answer of the task sha256:0\n"}, "cloudtrail"},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			story, err := Find(tt.id, path)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := ShowStory(&b, story); err != nil {
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

func TestADecisionIsFoundOverTheFilesOfARotatedLog(t *testing.T) {
	now, before := filepath.Join(t.TempDir(), "audit.jsonl"), filepath.Join(t.TempDir(), "audit.jsonl.1")
	appendOne(t, now)
	appendOne(t, before)
	if story, err := Find("one", before, now); err != nil || len(story.Records) != 2 {
		t.Errorf("%v, %v", story, err)
	}
}

// Whoever reads one decision does not verify the whole log first.
func TestWhatIsNoLineOfTheChainIsNotFound(t *testing.T) {
	lines, _ := written(t, 2, nil)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	added := []byte(`{"phase":"outcome","decision_id":"decision1","class":"answered"}` + "\n")
	if err := os.WriteFile(path, bytes.Join(append(lines, added), nil), 0o600); err != nil {
		t.Fatal(err)
	}
	story, err := Find("decision1", path)
	if err != nil || len(story.Records) != 1 || story.Records[0].Phase != PhaseEvent {
		t.Errorf("%+v, %v", story, err)
	}
}
