package fakeaws

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPackedSize(t *testing.T) {
	arns := func(n int, format string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, i*7919))
		}
		return one(`"Effect":"Allow","Action":"ecs:DescribeTasks","Resource":["` + strings.Join(all, `","`) + `"]`)
	}
	cases := []struct {
		name   string
		policy string
		tags   map[string]string
		over   bool
	}{
		{"a policy of one action", sessionPolicy, nil, false},
		{"19 tasks of one cluster", arns(19, "arn:aws:ecs:us-east-1:123456789012:task/prod/%032x"), nil, false},
		{"30 tasks of one cluster", arns(30, "arn:aws:ecs:us-east-1:123456789012:task/prod/%032x"), nil, true},
		{"28 services of one cluster", arns(28, "arn:aws:ecs:us-east-1:123456789012:service/prod/api-%d"), nil, false},
		{"tags count as well", arns(19, "arn:aws:ecs:us-east-1:123456789012:task/prod/%032x"), map[string]string{"a": strings.Repeat("v", 200)}, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := packedSize(tc.policy, tc.tags); got > 100 != tc.over || got < 1 {
				t.Errorf("%d %% for %d characters", got, len(tc.policy))
			}
		})
	}
}

func TestPackedSizeDependsOnItsInputAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tags := rapid.MapOf(rapid.String(), rapid.String()).Draw(rt, "tags")
		policy := rapid.SampledFrom([]string{"", sessionPolicy, allowAll}).Draw(rt, "policy")
		first := packedSize(policy, tags)
		for range 5 {
			if again := packedSize(policy, tags); again != first {
				rt.Fatalf("%d, then %d", first, again)
			}
		}
		if spaced := packedSize(strings.ReplaceAll(policy, ":", " : "), tags); policy != "" && spaced < first {
			rt.Errorf("white space made it smaller: %d and %d", spaced, first)
		}
		tags["one more key"] = "x"
		if packedSize(policy, tags) < first {
			rt.Error("another tag made it smaller")
		}
	})
}
