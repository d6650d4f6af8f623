package fakeaws

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func (w *world) stsAs(k Key) *sts.Client {
	return sts.NewFromConfig(w.config("us-east-1", credentials.NewStaticCredentialsProvider(k.ID, k.Secret, "")))
}

func TestWhoMayAssumeARole(t *testing.T) {
	allow := func(actions string) string {
		return one(`"Effect":"Allow","Action":[` + actions + `],"Resource":"arn:aws:iam::123456789012:role/mcp-*"`)
	}
	full := allow(`"sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"`)
	tagged := func(in *sts.AssumeRoleInput) { in.Tags = []types.Tag{tag("team", "blue")} }
	named := func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("alice") }
	plain := func(*sts.AssumeRoleInput) {}
	const base = "arn:aws:iam::123456789012:user/caller"
	cases := []struct {
		name, policy string
		role         Role
		change       func(*sts.AssumeRoleInput)
		denied       string // the action; empty for allowed
	}{
		{"the account is trusted and the policy allows", full, Role{}, plain, ""},
		{"nothing is allowed", one(`"Effect":"Deny","Action":"s3:*","Resource":"*"`), Role{}, plain, "sts:AssumeRole"},
		{"another role is allowed", full, Role{Name: "other"}, plain, "sts:AssumeRole"},
		{"tags need sts:TagSession", allow(`"sts:AssumeRole"`), Role{}, tagged, "sts:TagSession"},
		{"tags with it", full, Role{}, tagged, ""},
		{"a source identity needs sts:SetSourceIdentity", allow(`"sts:AssumeRole","sts:TagSession"`), Role{}, named, "sts:SetSourceIdentity"},
		{"a source identity with it", full, Role{}, named, ""},
		{"the role trusts the caller", full, Role{Trusted: []string{base}}, plain, ""},
		{"the role trusts someone else", full, Role{Trusted: []string{"arn:aws:iam::123456789012:user/else"}}, plain, "sts:AssumeRole"},
		{"the external id is missing", full, Role{ExternalID: "ticket-7"}, plain, "sts:AssumeRole"},
		{"the external id is given", full, Role{ExternalID: "ticket-7"}, func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("ticket-7") }, ""},
		{"a condition on the session's name", one(`"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringLike":{"sts:RoleSessionName":"call-*"}}`), Role{}, plain, ""},
		{"a condition on the tag keys", one(`"Effect":"Allow","Action":"sts:*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["project"]}}`), Role{}, tagged, "sts:AssumeRole"},
		{"a condition on a tag", one(`"Effect":"Allow","Action":"sts:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}`), Role{}, tagged, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, tc.role)
			caller, err := w.AddUser("caller", tc.policy)
			if err != nil {
				t.Fatal(err)
			}
			in := &sts.AssumeRoleInput{RoleArn: aws.String(w.role), RoleSessionName: aws.String("call-1"), Policy: aws.String(sessionPolicy)}
			tc.change(in)
			_, err = w.stsAs(caller).AssumeRole(context.Background(), in)
			if tc.denied == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if code(err) != "AccessDenied" || !strings.Contains(err.Error(), "User: "+base+" is not authorized to perform: "+tc.denied+" on resource: "+w.role) {
				t.Errorf("got %v", err)
			}
			if w.last().Allowed {
				t.Error("recorded as allowed")
			}
		})
	}
}

// A role that is not there and one that does not trust the caller read alike.
func TestAnUnknownRoleLooksLikeOneThatDoesNotTrust(t *testing.T) {
	w := newWorld(t, Role{Trusted: []string{"arn:aws:iam::123456789012:user/else"}})
	message := func(role string) string {
		_, err := w.sts().AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("call-1")})
		_, text, _ := strings.Cut(err.Error(), "api error")
		return strings.ReplaceAll(text, role, "ROLE")
	}
	known, unknown := message(w.role), message(w.role+"x")
	if known == "" || known != unknown {
		t.Errorf("%q and %q", known, unknown)
	}
}

func TestChainsOfRoles(t *testing.T) {
	w := newWorld(t, Role{MaxSession: 12 * time.Hour})
	second, err := w.AddRole(Role{Name: "second", Identity: []string{allowAll}, MaxSession: 12 * time.Hour, Trusted: []string{w.role}})
	if err != nil {
		t.Fatal(err)
	}
	first := sts.NewFromConfig(w.config("us-east-1", w.assume(allowAll, func(in *sts.AssumeRoleInput) {
		in.SourceIdentity = aws.String("alice")
		in.Tags = []types.Tag{tag("team", "blue"), tag("own", "x")}
		in.TransitiveTagKeys = []string{"team"}
		in.DurationSeconds = aws.Int32(43200)
	})))
	cases := []struct {
		name   string
		change func(*sts.AssumeRoleInput)
		want   string
	}{
		{"an hour is possible", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3600) }, ""},
		{"more than an hour is not", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError"},
		{"the same source identity", func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("alice") }, ""},
		{"another source identity", func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("bob") }, "AccessDenied"},
		{"a transitive tag again, in another case", func(in *sts.AssumeRoleInput) { in.Tags = []types.Tag{tag("TEAM", "red")} }, "InvalidParameterValue"},
		{"a tag that was not transitive", func(in *sts.AssumeRoleInput) { in.Tags = []types.Tag{tag("own", "y")} }, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			in := &sts.AssumeRoleInput{RoleArn: aws.String(second), RoleSessionName: aws.String("chained"), Policy: aws.String(sessionPolicy)}
			tc.change(in)
			_, err := first.AssumeRole(context.Background(), in)
			if code(err) != tc.want {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if err != nil {
				return
			}
			all := w.Sessions()
			if s := all[len(all)-1]; s.SourceIdentity != "alice" || s.Tags["team"] != "blue" || s.Tags["own"] == "x" {
				t.Errorf("handed on: %+v", s)
			}
		})
	}
	t.Run("the session policy cuts what the session may assume", func(t *testing.T) {
		cut := sts.NewFromConfig(w.config("us-east-1", w.assume(sessionPolicy)))
		_, err := cut.AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: aws.String(second), RoleSessionName: aws.String("chained")})
		if code(err) != "AccessDenied" || w.last().Reason != "implicitDeny session" {
			t.Errorf("%v, %s", err, w.last().Reason)
		}
	})
}

func TestThrottling(t *testing.T) {
	w := newWorld(t, Role{})
	w.Throttle("sts:AssumeRole", 2)
	for i, want := range []string{"Throttling", "Throttling", ""} {
		_, err := w.sts().AssumeRole(context.Background(), &sts.AssumeRoleInput{
			RoleArn: aws.String(w.role), RoleSessionName: aws.String("call-1"), Policy: aws.String(sessionPolicy)})
		if code(err) != want {
			t.Errorf("call %d: %v, want %q", i, err, want)
		}
	}
	if n := len(w.Sessions()); n != 1 {
		t.Errorf("%d sessions", n)
	}
}
