package fakeaws

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const serviceARN = "arn:aws:ecs:us-east-1:123456789012:service/prod/api"

// one is a policy of one statement.
func one(body string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"S",` + body + `}]}`
}

func simulate(t *testing.T, c Case) string {
	t.Helper()
	if c.Action == "" {
		c.Action = "ecs:DeleteService"
	}
	if c.Resource == "" {
		c.Resource = serviceARN
	}
	got, err := Simulate(c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLayers(t *testing.T) {
	allow := one(`"Effect":"Allow","Action":"*","Resource":"*"`)
	deny := one(`"Effect":"Deny","Action":"ecs:DeleteService","Resource":"*"`)
	other := one(`"Effect":"Deny","Action":"iam:*","Resource":"*"`)
	cases := []struct {
		name string
		c    Case
		want string
	}{
		{"no policy at all denies", Case{}, "implicitDeny"},
		{"an identity Allow is enough without other layers", Case{Identity: []string{allow}}, "allowed"},
		{"a Deny beside the Allow wins", Case{Identity: []string{allow, deny}}, "explicitDeny"},
		{"the order of policies does not matter", Case{Identity: []string{deny, allow}}, "explicitDeny"},
		{"a boundary alone allows nothing", Case{Boundary: []string{allow}}, "implicitDeny"},
		{"a boundary without Allow takes everything away", Case{Identity: []string{allow}, Boundary: []string{other}}, "implicitDeny"},
		{"an empty boundary takes everything away", Case{Identity: []string{allow}, Boundary: []string{}}, "implicitDeny"},
		{"a session without Allow takes everything away", Case{Identity: []string{allow}, Session: []string{other}}, "implicitDeny"},
		{"a Deny in the session wins", Case{Identity: []string{allow}, Session: []string{deny}}, "explicitDeny"},
		{"a Deny wins over a missing Allow elsewhere", Case{Boundary: []string{deny}}, "explicitDeny"},
		{"all three layers allow", Case{Identity: []string{allow}, Boundary: []string{allow}, Session: []string{allow}}, "allowed"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := simulate(t, tc.c); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTheZeroVerdictDenies(t *testing.T) {
	if v := decide(nil, question{}); v.allowed || v.word() != "implicitDeny" {
		t.Errorf("no layers: %+v", v)
	}
}

func TestActions(t *testing.T) {
	cases := []struct {
		name, element, action string
		want                  bool
	}{
		{"the exact action", `"Action":"ecs:DeleteService"`, "ecs:DeleteService", true},
		{"case does not count", `"Action":"ECS:deleteservice"`, "ecs:DeleteService", true},
		{"a star within the name", `"Action":"ecs:De*"`, "ecs:DeleteService", true},
		{"question marks and stars", `"Action":"ecs:?e*Service*"`, "ecs:DescribeServices", true},
		{"a question mark is exactly one character", `"Action":"ecs:RunTas?k"`, "ecs:RunTask", false},
		{"the prefix is literal", `"Action":"ecs-dev:*"`, "ecs:DeleteService", false},
		{"a prefix is no wildcard's beginning", `"Action":"ecs:*"`, "ecs2:Foo", false},
		{"a list has any", `"Action":["iam:*","ecs:RunTask"]`, "ecs:RunTask", true},
		{"the whole action a star", `"Action":"*"`, "iam:PassRole", true},
		{"NotAction has everything else", `"NotAction":"ecs:*"`, "iam:PassRole", true},
		{"NotAction leaves out each of its list", `"NotAction":["iam:*","ecs:*"]`, "iam:PassRole", false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := simulate(t, Case{Identity: []string{one(`"Effect":"Allow","Resource":"*",` + tc.element)}, Action: tc.action})
			if (got == "allowed") != tc.want {
				t.Errorf("%s on %s: %s", tc.element, tc.action, got)
			}
		})
	}
}

func TestResources(t *testing.T) {
	cases := []struct {
		name, element, resource string
		want                    bool
	}{
		{"the exact ARN", `"Resource":"` + serviceARN + `"`, serviceARN, true},
		{"case counts", `"Resource":"arn:aws:ecs:us-east-1:123456789012:service/prod/API"`, serviceARN, false},
		{"a star crosses slashes in the resource part", `"Resource":"arn:aws:ecs:us-east-1:123456789012:service/*"`, serviceARN, true},
		{"a role pattern also matches a path", `"Resource":"arn:aws:iam::*:role/ecr-*"`, "arn:aws:iam::123456789012:role/ecr-x/admin", true},
		{"a star does not cross colons", `"Resource":"arn:aws:ecs:us-*:service/prod/api"`, serviceARN, false},
		{"a star within each segment", `"Resource":"arn:*:ecs:*:*:service/prod/*"`, serviceARN, true},
		{"a short ARN runs over the colons", `"Resource":"arn:aws:ecs:*"`, serviceARN, true},
		{"a short ARN of another service", `"Resource":"arn:aws:ecr:*"`, serviceARN, false},
		{"a short ARN without a star", `"Resource":"arn:aws:ecs:us-east-1"`, serviceARN, false},
		{"a star matches the resource star", `"Resource":"*"`, "*", true},
		{"an ARN does not match the resource star", `"Resource":"arn:aws:ecs:*"`, "*", false},
		{"the resource part may have colons", `"Resource":"arn:aws:ecs:us-east-1:123456789012:task-definition/*:*"`, "arn:aws:ecs:us-east-1:123456789012:task-definition/f:3", true},
		{"NotResource has everything else", `"NotResource":"arn:aws:ecs:us-east-1:123456789012:service/dev/*"`, serviceARN, true},
		{"NotResource leaves out each of its list", `"NotResource":["arn:aws:iam::*:role/x","arn:aws:ecs:*"]`, serviceARN, false},
		{"another account", `"Resource":"arn:aws:ecs:us-east-1:210987654321:service/*"`, serviceARN, false},
		{"a question mark is one character", `"Resource":"arn:aws:ecs:us-east-1:123456789012:service/prod/ap?"`, serviceARN, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := simulate(t, Case{Identity: []string{one(`"Effect":"Allow","Action":"*",` + tc.element)}, Resource: tc.resource})
			if (got == "allowed") != tc.want {
				t.Errorf("%s on %s: %s", tc.element, tc.resource, got)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	arn := func(v string) string {
		return `"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:us-east-1:123456789012:service/` + v + `"`
	}
	equals := func(operator, v string) string {
		return `"Effect":"Allow","Action":"*","Resource":"*","Condition":{"` + operator + `":{"aws:ResourceTag/team":"` + v + `"}}`
	}
	cases := []struct {
		name, statement string
		single          map[string]string
		want            string
	}{
		{"a variable in the resource", arn("${aws:PrincipalTag/cluster}/api"), map[string]string{"aws:PrincipalTag/cluster": "prod"}, "allowed"},
		{"a variable's key without its case", arn("${AWS:principaltag/CLUSTER}/api"), map[string]string{"aws:PrincipalTag/cluster": "prod"}, "allowed"},
		{"a value of a star is no wildcard", arn("${aws:PrincipalTag/cluster}/api"), map[string]string{"aws:PrincipalTag/cluster": "*"}, "implicitDeny"},
		{"an absent variable matches nothing", arn("${aws:PrincipalTag/cluster}/api"), nil, "implicitDeny"},
		{"an absent variable's default", arn("${aws:PrincipalTag/cluster, 'prod'}/api"), nil, "allowed"},
		{"a default does not replace a value", arn("${aws:PrincipalTag/cluster, 'prod'}/api"), map[string]string{"aws:PrincipalTag/cluster": "dev"}, "implicitDeny"},
		{"a variable in a condition", equals("StringEquals", "${aws:PrincipalTag/team}"), map[string]string{"aws:PrincipalTag/team": "a", "aws:ResourceTag/team": "a"}, "allowed"},
		{"a value of a star under StringLike", equals("StringLike", "${aws:PrincipalTag/team}"), map[string]string{"aws:PrincipalTag/team": "*", "aws:ResourceTag/team": "a"}, "implicitDeny"},
		{"an escaped star is a star", equals("StringLike", "a${*}"), map[string]string{"aws:ResourceTag/team": "ab"}, "implicitDeny"},
		{"an escaped star matches a star", equals("StringEquals", "a${*}"), map[string]string{"aws:ResourceTag/team": "a*"}, "allowed"},
		{"an escaped dollar opens no variable", equals("StringEquals", "${$}{x}"), map[string]string{"aws:ResourceTag/team": "${x}"}, "allowed"},
		{"an absent variable under a negated operator", equals("StringNotEquals", "${aws:PrincipalTag/team}"), map[string]string{"aws:ResourceTag/team": "a"}, "implicitDeny"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := simulate(t, Case{Identity: []string{one(tc.statement)}, Single: tc.single}); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("under NotResource an absent variable leaves nothing out", func(t *testing.T) {
		policy := one(`"Effect":"Deny","Action":"*","NotResource":"arn:aws:ecs:us-east-1:123456789012:service/${aws:PrincipalTag/cluster}/api"`)
		if got := simulate(t, Case{Identity: []string{allowAll, policy}}); got != "explicitDeny" {
			t.Error(got)
		}
	})
	t.Run("version 2008-10-17 has no variables", func(t *testing.T) {
		old := `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:userid}"}}}}`
		c := Case{Identity: []string{old}, Single: map[string]string{"aws:userid": "a", "aws:ResourceTag/team": "${aws:userid}"}}
		if got := simulate(t, c); got != "allowed" {
			t.Errorf("the literal text did not match: %s", got)
		}
	})
}

// Metamorphic laws: they hold for any policies and request.
func TestLawsOfEvaluation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		statement := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf(`{"Effect":%q,%q:%q,%q:%q,"Condition":{%q:{%q:%q}}}`,
				rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"),
				rapid.SampledFrom([]string{"Action", "NotAction"}).Draw(t, "not"),
				rapid.SampledFrom([]string{"*", "ecs:*", "ecs:Delete*", "iam:PassRole"}).Draw(t, "action"),
				rapid.SampledFrom([]string{"Resource", "NotResource"}).Draw(t, "notResource"),
				rapid.SampledFrom([]string{"*", serviceARN, "arn:aws:ecs:*", "arn:aws:iam::*:role/x"}).Draw(t, "resource"),
				rapid.SampledFrom([]string{"StringEquals", "StringNotLike", "StringLikeIfExists", "ForAllValues:StringEquals", "ForAnyValue:StringLike"}).Draw(t, "operator"),
				rapid.SampledFrom([]string{"aws:ResourceTag/a", "aws:TagKeys", "aws:RequestedRegion"}).Draw(t, "key"),
				rapid.SampledFrom([]string{"*", "x", "us-east-1"}).Draw(t, "value"))
		})
		policy := rapid.Custom(func(t *rapid.T) string {
			return `{"Version":"2012-10-17","Statement":[` + strings.Join(rapid.SliceOfN(statement, 1, 4).Draw(t, "statements"), ",") + `]}`
		})
		c := Case{
			Identity: rapid.SliceOfN(policy, 0, 3).Draw(rt, "identity"),
			Action:   rapid.SampledFrom([]string{"ecs:DeleteService", "iam:PassRole"}).Draw(rt, "asked"),
			Resource: rapid.SampledFrom([]string{"*", serviceARN}).Draw(rt, "on"),
			Single:   rapid.MapOfN(rapid.SampledFrom([]string{"aws:ResourceTag/a", "aws:RequestedRegion"}), rapid.SampledFrom([]string{"x", "us-east-1"}), 0, 2).Draw(rt, "keys"),
			Multi:    map[string][]string{"aws:TagKeys": rapid.SliceOf(rapid.SampledFrom([]string{"x", "y"})).Draw(rt, "tagKeys")},
		}
		before := lawful(rt, c)
		more := c
		more.Session = []string{policy.Draw(rt, "session")}
		if lawful(rt, more) == "allowed" && before != "allowed" {
			rt.Error("a session policy added an allow")
		}
		more = c
		more.Boundary = []string{policy.Draw(rt, "boundary")}
		if lawful(rt, more) == "allowed" && before != "allowed" {
			rt.Error("a boundary added an allow")
		}
		more = c
		more.Identity = append(append([]string{}, c.Identity...), policy.Draw(rt, "more"))
		if before == "explicitDeny" && lawful(rt, more) != "explicitDeny" {
			rt.Error("another identity policy took a Deny away")
		}
		if len(c.Identity) > 0 {
			more.Identity = c.Identity[1:]
			if after := lawful(rt, more); before == "implicitDeny" && after == "allowed" {
				rt.Error("taking a policy away added an allow to an implicit deny")
			}
		}
	})
}

func lawful(t *rapid.T, c Case) string {
	got, err := Simulate(c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
