package iamtest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/simulate"
)

var generators = map[string]*iamtest.Generator{
	"everything":         iamtest.New(1),
	"as fakeaws can":     iamtest.New(1, iamtest.FakeAWS),
	"as the oracle can":  iamtest.New(1, iamtest.Oracle),
	"what everybody can": iamtest.New(1, iamtest.FakeAWS, iamtest.Oracle),
}

// A case that the loader refuses tests no evaluator, and neither do cases that
// all end the same way.
func TestCasesAreReadAndEndInEveryWay(t *testing.T) {
	cases := 5000
	if raced {
		cases = 1000
	}
	for name, g := range generators {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdicts, layers := map[string]int{}, map[string]int{}
			failed := 0
			for i := range cases {
				c := g.Case(i)
				_, q, err := simulate.ReadCase(c.Line())
				if err != nil {
					t.Fatalf("refused: %v\n%s", err, c.Line())
				}
				answers, err := policy.Native{}.Judge(t.Context(), q)
				if err != nil {
					failed++
					continue
				}
				result := answers[0].Accesses[0]
				verdicts[result.Verdict.String()]++
				layers[result.Layer]++
			}
			t.Logf("%v %v, %d cannot be compared", verdicts, layers, failed)
			for _, verdict := range []string{"allowed", "explicitDeny", "implicitDeny"} {
				if verdicts[verdict] < cases/10 {
					t.Errorf("%d of %d cases are %s", verdicts[verdict], cases, verdict)
				}
			}
			for _, layer := range []string{"identity", "boundary", "session"} {
				if layers[layer] < cases/50 {
					t.Errorf("%d of %d cases are decided by the %s", layers[layer], cases, layer)
				}
			}
			if failed > cases/50 {
				t.Errorf("%d of %d cases cannot be compared", failed, cases)
			}
		})
	}
}

func TestCasesHoldWhatTheyShould(t *testing.T) {
	present := map[string]string{
		"an element NotAction": `"NotAction":`, "an element NotResource": `"NotResource":`, "no Version": `{"Statement":`, "the old Version": `"2008-10-17"`,
		"a variable": `${aws:PrincipalTag/team}`, "a default": `${aws:PrincipalTag/team, 'web'}`, "an escape": `${*}`, "Null": `"Null":`,
		"a set of all": `"ForAllValues:StringLike`, "a set of any": `"ForAnyValue:StringNotEquals`, "IfExists": `IfExists":`, "an operator in lower case": `"stringlike`,
		"a short ARN": `"arn:aws:ecs:*"`, "an unquoted boolean": `:true`, "an unquoted number": `"ecs:task-cpu":256`, "a key in upper case": `"ECS:TASK-CPU":`,
		"an unknown key": `"unknown":[`, "all unknown": `"unknown":["*"]`, "a set without values": `"aws:TagKeys":[]`, "every source": `0.0.0.0/0`, "epoch seconds": `1767225600`,
	}
	for _, kind := range []string{"StringEquals", "StringNotEqualsIgnoreCase", "ArnLike", "ArnNotEquals", "IpAddress", "NotIpAddress", "NumericLessThan", "NumericNotEquals",
		"DateGreaterThanEquals", "DateNotEquals", "Bool", "BinaryEquals"} {
		present["the operator "+kind] = `"` + kind
	}
	var all strings.Builder
	for i := range 5000 {
		all.Write(generators["everything"].Case(i).Line())
	}
	for what, text := range present {
		if !strings.Contains(all.String(), text) {
			t.Errorf("no case has %s", what)
		}
	}
	all.Reset()
	for i := range 5000 {
		all.Write(generators["what everybody can"].Case(i).Line())
	}
	for _, text := range []string{`"unknown":`, "0.0.0.0/0", `"aws:TagKeys":[]`, "1767225600", "12abc", "::ffff", "😀", "arn:AWS", "+5", "2026-13-01"} {
		if strings.Contains(all.String(), text) {
			t.Errorf("%s is drawn though an evaluator lacks it", text)
		}
	}
}

func TestACaseDependsOnSeedAndNumberAlone(t *testing.T) {
	a, b := iamtest.New(7).Case(42).Line(), iamtest.New(7).Case(42).Line()
	if !bytes.Equal(a, b) {
		t.Errorf("one case is\n%s\nand\n%s", a, b)
	}
	if other := iamtest.New(8).Case(42).Line(); bytes.Equal(a, other) {
		t.Errorf("another seed draws the same case: %s", a)
	}
}

func TestShrinkLeavesWhatMatters(t *testing.T) {
	has := func(c iamtest.Case) bool {
		line := string(c.Line())
		return strings.Contains(line, "NotResource") && strings.Contains(line, "aws:RequestedRegion")
	}
	g := iamtest.New(1)
	shrunk := 0
	for i := 0; shrunk < 5; i++ {
		c := g.Case(i)
		if !has(c) {
			continue
		}
		shrunk++
		small := iamtest.Shrink(c, has)
		if !has(small) || len(small.Line()) > 250 || len(small.Line()) >= len(c.Line()) {
			t.Errorf("%s\nbecame\n%s", c.Line(), small.Line())
		}
		var again iamtest.Case
		if err := json.Unmarshal(small.Line(), &again); err != nil {
			t.Errorf("the smallest case is no JSON: %v", err)
		}
	}
}
