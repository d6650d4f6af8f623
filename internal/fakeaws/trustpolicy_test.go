package fakeaws

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestATrustPolicyDecidesWhoAssumes(t *testing.T) {
	trust := func(effect, principal, condition string) string {
		return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}`
	}
	me := `{"AWS":"arn:aws:iam::123456789012:user/base"}`
	cases := []struct {
		name, statements string
		allowed          bool
	}{
		{"the caller is named", trust("Allow", me, ""), true},
		{"the account is named", trust("Allow", `{"AWS":"arn:aws:iam::123456789012:root"}`, ""), true},
		{"the account is named by its number", trust("Allow", `{"AWS":["123456789012"]}`, ""), true},
		{"everybody is", trust("Allow", `"*"`, ""), true},
		{"another account is", trust("Allow", `{"AWS":"arn:aws:iam::210987654321:root"}`, ""), false},
		{"a service is", trust("Allow", `{"Service":"ecs-tasks.amazonaws.com"}`, ""), false},
		{"a Deny wins", trust("Allow", me, "") + "," + trust("Deny", me, ""), false},
		{"a Deny of somebody else does not", trust("Allow", me, "") + "," + trust("Deny", `{"AWS":"arn:aws:iam::123456789012:user/else"}`, ""), true},
		{"a condition holds", trust("Allow", me, `,"Condition":{"StringLike":{"sts:RoleSessionName":"call-*"}}`), true},
		{"a condition does not", trust("Allow", me, `,"Condition":{"StringLike":{"sts:SourceIdentity":"?*"}}`), false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, Role{Trust: `{"Version":"2012-10-17","Statement":[` + tc.statements + `]}`, Trusted: []string{"arn:aws:iam::123456789012:user/base"}})
			_, err := w.sts().AssumeRole(background(), &sts.AssumeRoleInput{RoleArn: aws.String(w.role), RoleSessionName: aws.String("call-1"), Policy: aws.String(sessionPolicy)})
			if (err == nil) != tc.allowed || err != nil && code(err) != "AccessDenied" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAMalformedTrustPolicyIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":              `{`,
		"no version":           `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`,
		"no principal":         one(`"Effect":"Allow","Action":"sts:AssumeRole"`),
		"a resource":           one(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"`),
		"an unknown kind":      one(`"Effect":"Allow","Principal":{"User":"x"},"Action":"sts:AssumeRole"`),
		"an unknown element":   one(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","When":"now"`),
		"a misspelled top key": `{"Version":"2012-10-17","Statements":[]}`,
		"no statement":         `{"Version":"2012-10-17"}`,
	} {
		if _, err := New(Config{}).AddRole(Role{Name: "r", Trust: text}); !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTrustPolicy(f *testing.F) {
	f.Add(one(`"Effect":"Allow","Principal":{"AWS":["123456789012"]},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:SourceIdentity":"?*"}}`))
	f.Add(one(`"Effect":"Deny","Principal":"*","NotAction":"sts:TagSession"`))
	f.Add(`{"Version":"2012-10-17","Statement":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		policy, err := parseTrust(text)
		if err != nil && !errors.Is(err, ErrPolicy) {
			t.Fatal(err)
		}
		stranger := principal{arn: "arn:aws:iam::210987654321:user/x", iamARN: "arn:aws:iam::210987654321:user/x"}
		if err != nil && policy.admits(stranger, question{"sts:AssumeRole", "r", keys{}}) {
			t.Fatal("an unreadable policy admits")
		}
	})
}
