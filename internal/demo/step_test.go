package demo

import (
	"strings"
	"testing"
)

// A check that cannot fail proves nothing: each must notice its opposite.
func TestStepsThatEndOtherwiseAreNoticed(t *testing.T) {
	good := Step{Decision: "allowed", Session: "ecsmcp-x", PolicySize: 300, AWS: []Seen{{Action: "ecs:UpdateService", By: "ecsmcp-x", Allowed: true}}}
	bad := map[string]func(*Step){
		"refused":           func(s *Step) { s.Decision = "policy" },
		"without a session": func(s *Step) { s.Session = "" },
		"denied by AWS":     func(s *Step) { s.AWS = []Seen{{Action: "ecs:UpdateService", By: "ecsmcp-x"}} },
		"never at AWS":      func(s *Step) { s.AWS = nil },
		"by the proxy":      func(s *Step) { s.AWS = []Seen{{Action: "ecs:UpdateService", By: "the proxy itself", Allowed: true}} },
	}
	if s := good; true {
		if allowed("ecs:UpdateService")(&s); len(s.Problems) > 0 {
			t.Fatal(s.Problems)
		}
	}
	for name, change := range bad {
		s := good
		change(&s)
		if allowed("ecs:UpdateService")(&s); len(s.Problems) == 0 {
			t.Errorf("allowed: %s was not noticed", name)
		}
	}

	good = Step{Decision: "policy", DecisionID: "abc", Client: "Refused: ProductionProtection. Decision abc", AWS: []Seen{{Action: "ecs:DescribeServices", By: "the proxy itself"}}}
	bad = map[string]func(*Step){
		"allowed":            func(s *Step) { s.Decision = "allowed" },
		"for another reason": func(s *Step) { s.Client = "Refused: RegionRestriction. Decision abc" },
		"without its id":     func(s *Step) { s.Client = "Refused: ProductionProtection" },
		"but at AWS":         func(s *Step) { s.AWS = []Seen{{Action: "ecs:DeleteService", By: "ecsmcp-x"}} },
		"but with a session": func(s *Step) { s.AWS = []Seen{{Action: "sts:AssumeRole", By: "the proxy itself"}} },
	}
	if s := good; true {
		if refused("policy", "ProductionProtection")(&s); len(s.Problems) > 0 {
			t.Fatal(s.Problems)
		}
	}
	for name, change := range bad {
		s := good
		change(&s)
		if refused("policy", "ProductionProtection")(&s); len(s.Problems) == 0 {
			t.Errorf("refused: %s was not noticed", name)
		}
	}
}

func TestAFailedStepFailsTheStory(t *testing.T) {
	teller := &teller{ok: true, show: func(s Step) error { return nil }}
	teller.world = &world{dir: t.TempDir()}
	if err := teller.note(Step{Problems: []string{"x"}}); err != nil || teller.ok {
		t.Errorf("ok %t, %v", teller.ok, err)
	}
	var b strings.Builder
	if err := NewTable(&b).Show(Step{Number: "1", Title: "t", Problems: []string{"the production service is gone"}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "FAILED") || !strings.Contains(b.String(), "the production service is gone") || !strings.Contains(Summary(false), "did not end") {
		t.Errorf("a failed step is not shown as one:\n%s", b.String())
	}
}
