package grant

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

type conditions = map[string]map[string][]string

var production = conditions{"StringEquals": {"aws:ResourceTag/Environment": {"production", "prod"}}}

func TestADenyIsRepeatedAsFarAsItIsAboutTheCall(t *testing.T) {
	update := []Item{{Access: access("ecs:UpdateService", service("a"))}}
	both := append(update, Item{Access: access("ecs:DeleteService", service("b"))})
	tests := []struct {
		name   string
		items  []Item
		denies []authz.SessionDeny
		want   string // the statements between the Allows and the time-out
	}{
		{"none", update, nil, ``},
		{"of another action", update, []authz.SessionDeny{{Action: []string{"ecs:RunTask", "iam:*"}, Resource: []string{"*"}}}, ``},
		{"by wildcards, in another case", both, []authz.SessionDeny{{Action: []string{"ECS:*service", "ecs:?pdateService"}, Resource: []string{"*"}, Condition: production}},
			`{"Effect":"Deny","Action":["ecs:DeleteService","ecs:UpdateService"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Environment":["prod","production"]}}}`},
		{"of everything", update, []authz.SessionDeny{{Action: []string{"*"}, Resource: []string{service("x*"), service("a"), service("a")}}},
			`{"Effect":"Deny","Action":"ecs:UpdateService","Resource":["` + service("a") + `","` + service("x*") + `"]}`},
		{"twice the same", update, []authz.SessionDeny{
			{Action: []string{"ecs:Update*"}, Resource: []string{"*"}, Condition: production},
			{Action: []string{"ecs:UpdateService"}, Resource: []string{"*"}, Condition: conditions{"StringEquals": {"aws:ResourceTag/Environment": {"prod", "production"}}}}},
			`{"Effect":"Deny","Action":"ecs:UpdateService","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Environment":["prod","production"]}}}`},
		{"of two actions on one resource", both, []authz.SessionDeny{
			{Action: []string{"ecs:UpdateService"}, Resource: []string{"*"}}, {Action: []string{"ecs:DeleteService"}, Resource: []string{"*"}}},
			`{"Effect":"Deny","Action":["ecs:DeleteService","ecs:UpdateService"],"Resource":"*"}`},
		{"of two actions on two resources, not crossed", both, []authz.SessionDeny{
			{Action: []string{"ecs:UpdateService"}, Resource: []string{service("u")}}, {Action: []string{"ecs:DeleteService"}, Resource: []string{service("d")}}},
			`{"Effect":"Deny","Action":"ecs:DeleteService","Resource":"` + service("d") + `"},{"Effect":"Deny","Action":"ecs:UpdateService","Resource":"` + service("u") + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			without, err := Compile(tt.items, region, until)
			if err != nil {
				t.Fatal(err)
			}
			reversed := slices.Clone(tt.denies)
			slices.Reverse(reversed)
			for _, denies := range [][]authz.SessionDeny{tt.denies, reversed} {
				got, err := Compile(tt.items, region, until, denies...)
				if err != nil {
					t.Fatal(err)
				}
				timeout := strings.LastIndex(without, `{"Effect":"Deny"`)
				want := without[:timeout] + tt.want
				if tt.want != "" {
					want += ","
				}
				if want += without[timeout:]; got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestADenyThatCannotBeRepeatedRefuses(t *testing.T) {
	everything := []string{"*"}
	for name, d := range map[string]authz.SessionDeny{
		"no action":                    {Resource: everything},
		"no resource":                  {Action: everything},
		"an action without a service":  {Action: []string{"Delete*"}, Resource: everything},
		"a wildcard for the service":   {Action: []string{"e*:DeleteService"}, Resource: everything},
		"a variable in the resource":   {Action: everything, Resource: []string{service("${aws:username}")}},
		"a variable in a value":        {Action: everything, Resource: everything, Condition: conditions{"StringEquals": {"aws:ResourceTag/Owner": {"${aws:username}"}}}},
		"a key without values":         {Action: everything, Resource: everything, Condition: conditions{"StringEquals": {"aws:ResourceTag/Owner": {}}}},
		"an operator without keys":     {Action: everything, Resource: everything, Condition: conditions{"StringEquals": {}}},
		"a key that AWS does not know": {Action: everything, Resource: everything, Condition: conditions{"StringEquals": {authz.SubjectTag + "Environment": {"x"}}}},
		"a character beyond Latin 1":   {Action: everything, Resource: everything, Condition: conditions{"StringEquals": {"aws:ResourceTag/Owner": {"Łódź"}}}},
		"a line break":                 {Action: everything, Resource: []string{"*\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			// Also beside a good one, and although it is not about the call's action.
			good := authz.SessionDeny{Action: []string{"ecs:DeleteService"}, Resource: everything}
			text, err := Compile([]Item{{Access: access("ecs:UpdateService", service("a"))}}, region, until, good, d)
			if !errors.Is(err, ErrSessionDeny) {
				t.Errorf("got %s, %v; want ErrSessionDeny", text, err)
			}
		})
	}
}

func TestDeniesThatFillThePolicySaySo(t *testing.T) {
	var names []string
	for i := range 60 {
		names = append(names, service(fmt.Sprintf("protected-%02d", i)))
	}
	_, err := Compile([]Item{{Access: access("ecs:UpdateService", service("a"))}}, region, until, authz.SessionDeny{Action: []string{"ecs:*"}, Resource: names})
	if !errors.Is(err, ErrPolicySize) || !strings.Contains(err.Error(), "not one would fit") {
		t.Errorf("err = %v", err)
	}
}

// With its denies, a session allows exactly what it allows without them, less
// what a Deny of the same words takes away: never more, never less. AWS's side
// is the judge.
func TestDeniesOnlyNarrowAndNoMoreThanTheySay(t *testing.T) {
	actions := []string{"ecs:DescribeServices", "ecs:UpdateService", "ecs:DeleteService", "ecs:RunTask"}
	names := []string{service("a"), service("b"), service("ab")}
	tags := []string{"production", "prod", "staging"}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
		some := func(label string, from ...string) []string {
			return rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, label)
		}
		var items []Item
		for range rapid.IntRange(1, 4).Draw(t, "items") {
			items = append(items, Item{Access: access(draw("action", actions...), draw("resource", names...))})
		}
		var denies []authz.SessionDeny
		for range rapid.IntRange(0, 4).Draw(t, "denies") {
			d := authz.SessionDeny{Action: some("patterns", append(actions, "*", "ecs:*", "ECS:delete*", "ecs:?pdateService", "ecs:*Service*", "iam:*")...),
				Resource: some("resources", append(names, "*", service("a*"), service("?"))...)}
			if rapid.Bool().Draw(t, "conditional") {
				d.Condition = conditions{draw("operator", "StringEquals", "StringNotEquals", "StringLike", "StringEqualsIgnoreCaseIfExists"): {"aws:ResourceTag/Environment": some("values", tags...)}}
			}
			denies = append(denies, d)
		}
		without, err := Compile(items, region, until)
		if err != nil {
			t.Fatal(err)
		}
		with, err := Compile(items, region, until, denies...)
		if err != nil {
			t.Fatal(err)
		}
		question := fakeaws.Case{Action: draw("asked action", append(actions, "iam:PassRole")...), Resource: draw("asked resource", names...),
			Single: map[string]string{"aws:RequestedRegion": region, "aws:CurrentTime": "2026-11-24T12:00:00Z"}}
		if tag := draw("tag", append(tags, "")...); tag != "" {
			question.Single["aws:ResourceTag/Environment"] = tag
		}
		simulate := func(session string) string {
			c := question
			c.Identity, c.Session = []string{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}, []string{session}
			word, err := fakeaws.Simulate(c)
			if err != nil {
				t.Fatal(err)
			}
			return word
		}
		taken := simulate(asWritten(t, denies)) != "allowed"
		want := simulate(without) == "allowed" && !taken
		if got := simulate(with) == "allowed"; got != want {
			t.Fatalf("allowed %t, want %t\nwithout %s\nwith    %s", got, want, without, with)
		}
	})
}

// asWritten allows everything but the denies, as they were written.
func asWritten(t *rapid.T, denies []authz.SessionDeny) string {
	statements := []any{map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}}
	for _, d := range denies {
		s := map[string]any{"Effect": "Deny", "Action": d.Action, "Resource": d.Resource}
		if d.Condition != nil {
			s["Condition"] = d.Condition
		}
		statements = append(statements, s)
	}
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
