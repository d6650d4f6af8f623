package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/simulate"
)

// The test's own binary stands for both simulators, so that no Node is needed.
func TestMain(m *testing.M) {
	if how := os.Getenv("ORACLE_TEST_SIMULATOR"); how != "" {
		if err := standIn(how); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// standIn answers as the native evaluator does, but for what how says.
func standIn(how string) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, simulate.MaxLine)
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case how == "ends" && n == 5:
			return fmt.Errorf("had enough")
		case how == "allows":
			id, _, _ := simulate.ReadCase(lines.Bytes())
			fmt.Printf("{\"id\":%q,\"decision\":\"allowed\"}\n", id)
			continue
		case how == "denies less":
			line = strings.ReplaceAll(line, `"StringNotLike"`, `"StringLike"`)
		case how == "skips" && n == 5:
			continue
		}
		if _, err := simulate.Run(context.Background(), policy.Native{}, strings.NewReader(line+"\n"), os.Stdout); err != nil {
			return err
		}
	}
	switch how {
	case "fails at the end":
		return io.ErrUnexpectedEOF
	case "answers more":
		fmt.Println(`{"id":"x"}`)
	}
	return nil
}

// both starts a comparison of two simulators.
func both(t *testing.T, proxy, oracle string) comparison {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var started []*simulator
	for _, how := range []string{proxy, oracle} {
		t.Setenv("ORACLE_TEST_SIMULATOR", how)
		s, err := start(t.Context(), how, path)
		if err != nil {
			t.Fatal(err)
		}
		started = append(started, s)
	}
	return comparison{started[0], started[1]}
}

func TestEqualSimulatorsDoNotDiffer(t *testing.T) {
	c := both(t, "right", "right")
	r, err := c.compare("equal", draw(1, 200))
	if err != nil || len(r.differ) > 0 || tooFew(r, 200) > 0 {
		t.Errorf("got %v, %v", r, err)
	}
	for _, s := range []*simulator{c.proxy, c.oracle} {
		if err := s.finish(); err != nil {
			t.Error(err)
		}
	}
}

func TestADifferenceIsFound(t *testing.T) {
	r, err := both(t, "denies less", "right").compare("different", draw(1, 500))
	if err != nil || len(r.differ) == 0 {
		t.Errorf("got %d differences, %v", len(r.differ), err)
	}
}

// Two that agree on one answer to everything prove nothing.
func TestOneAnswerToEverythingIsNoAgreement(t *testing.T) {
	r, err := both(t, "allows", "allows").compare("alike", draw(1, 200))
	if err != nil || len(r.differ) > 0 {
		t.Fatalf("got %d differences, %v", len(r.differ), err)
	}
	if n := tooFew(r, 200); n != 2 {
		t.Errorf("%d decisions are too few, want 2", n)
	}
	if n := tooFew(result{}, 0); n != 3 {
		t.Errorf("of no cases, %d decisions are too few, want 3", n)
	}
}

func TestASimulatorThatFailsIsAnError(t *testing.T) {
	for how, want := range map[string]string{"ends": "had enough", "skips": "is answered as"} {
		if _, err := both(t, "right", how).compare(how, draw(1, 50)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("one that %s: got %v", how, err)
		}
	}
	for how, want := range map[string]string{"fails at the end": "exit status 3", "answers more": "more than it was asked"} {
		c := both(t, "right", how)
		if _, err := c.compare(how, draw(1, 50)); err != nil {
			t.Fatal(err)
		}
		if err := c.oracle.finish(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("one that %s: got %v", how, err)
		}
	}
	if _, err := start(t.Context(), "oracle", "no-such-node"); err == nil {
		t.Error("a program that is not there was started")
	}
}

// What is left out without a case that shows why is compared less than it could be.
func TestEachKnownDifferenceHasItsCase(t *testing.T) {
	seen := map[iamtest.Feature]bool{}
	for _, w := range witnesses {
		if iamtest.Oracle[w.feature] == "" || seen[w.feature] || w.ours == w.theirs {
			t.Errorf("%s: is not left out, or has a case already, or is no difference", w.feature)
		}
		seen[w.feature] = true
		c, err := w.testCase()
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if _, err := simulate.Run(t.Context(), policy.Native{}, strings.NewReader(string(c.Line())+"\n"), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), fmt.Sprintf(`"decision":%q`, w.ours)) {
			t.Errorf("%s: want %s, got %s", w.feature, w.ours, out.String())
		}
	}
	for feature := range iamtest.Oracle {
		if !seen[feature] {
			t.Errorf("%s: no case shows that the oracle lacks it", feature)
		}
	}
}

func TestEverySampleOfAnAWSActionIsAsked(t *testing.T) {
	s, err := readSamples()
	if err != nil {
		t.Fatal(err)
	}
	all, err := policy.Samples()
	if err != nil {
		t.Fatal(err)
	}
	mcp := 0
	for _, sample := range all {
		if sample.Access.IsMCP() {
			mcp++
		}
	}
	if len(s.cases) != len(all)-mcp || len(s.cases) == 0 {
		t.Errorf("%d samples, %d of them of mcp: %d cases", len(all), mcp, len(s.cases))
	}
	for _, c := range s.cases {
		if _, _, err := simulate.ReadCase(c.Line()); err != nil {
			t.Errorf("%s: %v", c.ID, err)
		}
	}
}
