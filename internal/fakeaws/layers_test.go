package fakeaws

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// A session may delete one service, and its role may do everything: what the
// other layers and the conditions then leave of it.
const deleteAPI = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecs:DeleteService","ecs:UpdateService"],` +
	`"Resource":"arn:aws:ecs:us-east-1:123456789012:service/prod/api"}]}`

func deleteService(c *ecs.Client, name string) error {
	_, err := c.DeleteService(context.Background(), &ecs.DeleteServiceInput{
		Cluster: aws.String("prod"), Service: aws.String(name), Force: aws.Bool(true)})
	return err
}

func TestASessionMayDoWhatEveryLayerAllows(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddService("prod", "api", nil)
	w.AddService("prod", "web", nil)
	c := w.as(deleteAPI)

	err := deleteService(c, "web")
	if code(err) != "AccessDeniedException" || !strings.Contains(err.Error(),
		"User: arn:aws:sts::123456789012:assumed-role/mcp-reader/call-1 is not authorized to perform: ecs:DeleteService "+
			"on resource: arn:aws:ecs:us-east-1:123456789012:service/prod/web because no session policy allows the ecs:DeleteService action") {
		t.Errorf("delete of the other service: %v", err)
	}
	if r := w.last(); r.Allowed || r.Code != "AccessDeniedException" || r.Reason != "implicitDeny session" {
		t.Errorf("record of the refusal: %+v", r)
	}
	if err := deleteService(c, "api"); err != nil {
		t.Errorf("delete of the granted service: %v", err)
	}
	if r := w.last(); !r.Allowed || r.Code != "" || r.Reason != "allowed identity0/All, session/#0" || r.Session != "call-1" {
		t.Errorf("record of the deletion: %+v", r)
	}
	if !w.HasService("prod", "web") || w.HasService("prod", "api") {
		t.Error("the wrong service is gone")
	}
}

func TestLayersThatRefuse(t *testing.T) {
	const denyDelete = `{"Version":"2012-10-17","Statement":[{"Sid":"Everything","Effect":"Allow","Action":"*","Resource":"*"},` +
		`{"Sid":"ProductionProtection","Effect":"Deny","Action":"ecs:DeleteService","Resource":"*",` +
		`"Condition":{"StringLike":{"aws:ResourceTag/Environment":"production"}}}]}`
	const denyOnly = `{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Action":"iam:*","Resource":"*"}]}`
	cases := []struct {
		name, session string
		role          Role
		message       string
		reason        string
	}{
		{"a boundary with only Deny statements allows nothing", deleteAPI, Role{Boundary: denyOnly},
			"because no permissions boundary allows the ecs:DeleteService action", "implicitDeny boundary"},
		{"a boundary's Deny on a tag wins over every Allow", deleteAPI, Role{Boundary: denyDelete},
			"with an explicit deny in a permissions boundary", "explicitDeny boundary boundary0/ProductionProtection"},
		{"an identity policy's Deny wins", deleteAPI, Role{Identity: []string{denyDelete}},
			"with an explicit deny in an identity-based policy", "explicitDeny identity identity0/ProductionProtection"},
		{"a session policy's Deny wins", denyDelete, Role{},
			"with an explicit deny in a session policy", "explicitDeny session session/ProductionProtection"},
		{"a session policy adds nothing to the role", deleteAPI, Role{Identity: []string{denyOnly}},
			"because no identity-based policy allows the ecs:DeleteService action", "implicitDeny identity"},
		{"a role without policies may do nothing", deleteAPI, Role{Identity: []string{}},
			"because no identity-based policy allows the ecs:DeleteService action", "implicitDeny identity"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, tc.role)
			w.AddService("prod", "api", map[string]string{"environment": "production"})
			err := deleteService(w.as(tc.session), "api")
			if code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), tc.message) {
				t.Errorf("got %v, want %q", err, tc.message)
			}
			if got := w.last().Reason; got != tc.reason {
				t.Errorf("recorded reason %q, want %q", got, tc.reason)
			}
			if !w.HasService("prod", "api") {
				t.Error("the service is gone")
			}
		})
	}
}

func TestASessionPolicyEndsBeforeItsKeys(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	until := time.Now().Add(2 * time.Minute).UTC().Format(time.RFC3339)
	c := w.as(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:ListClusters","Resource":"*"},` +
		`{"Sid":"Ends","Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"` + until + `"}}}]}`)
	list := func() error {
		_, err := c.ListClusters(context.Background(), &ecs.ListClustersInput{})
		return err
	}
	if err := list(); err != nil {
		t.Fatalf("before the end: %v", err)
	}
	w.Advance(3 * time.Minute)
	if err := list(); code(err) != "AccessDeniedException" || w.last().Reason != "explicitDeny session session/Ends" {
		t.Errorf("after the end: %v, %s", err, w.last().Reason)
	}
	w.Advance(time.Hour)
	if err := list(); code(err) != "ExpiredTokenException" {
		t.Errorf("after the keys expired: %v", err)
	}
}

func TestConditionsSeeWhatTheSessionCarries(t *testing.T) {
	allowIf := func(operator, key, value string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*","Condition":{"` +
			operator + `":{"` + key + `":"` + value + `"}}}]}`
	}
	cases := []struct {
		name, policy, region string
		want                 string
	}{
		{"a session tag with the value", allowIf("StringEquals", "aws:PrincipalTag/team", "blue"), "us-east-1", ""},
		{"a session tag's key without its case", allowIf("StringEquals", "aws:principaltag/TEAM", "blue"), "us-east-1", ""},
		{"a session tag with another value", allowIf("StringEquals", "aws:PrincipalTag/team", "Blue"), "us-east-1", "AccessDeniedException"},
		{"the source identity", allowIf("StringEquals", "aws:SourceIdentity", "alice"), "us-east-1", ""},
		{"the role behind the session", allowIf("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/mcp-*"), "us-east-1", ""},
		{"the session's user id", allowIf("StringLike", "aws:userid", "AROA*:call-1"), "us-east-1", ""},
		{"the region of the signature", allowIf("StringEquals", "aws:RequestedRegion", "eu-west-1"), "eu-west-1", ""},
		{"another region than the signature's", allowIf("StringEquals", "aws:RequestedRegion", "eu-west-1"), "us-east-1", "AccessDeniedException"},
		{"the address that the client has", allowIf("IpAddress", "aws:SourceIp", "127.0.0.0/8"), "us-east-1", ""},
		{"no TLS", allowIf("Bool", "aws:SecureTransport", "true"), "us-east-1", "AccessDeniedException"},
		{"the account", allowIf("StringEquals", "aws:PrincipalAccount", account), "us-east-1", ""},
		{"no MFA", allowIf("Bool", "aws:MultiFactorAuthPresent", "true"), "us-east-1", "AccessDeniedException"},
		{"a key that no request carries", allowIf("StringEquals", "aws:PrincipalOrgID", "o-1"), "us-east-1", "AccessDeniedException"},
	}
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			session := w.assume(tc.policy, func(in *sts.AssumeRoleInput) {
				in.SourceIdentity = aws.String("alice")
				in.Tags = []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}
			})
			_, err := ecs.NewFromConfig(w.config(tc.region, session)).ListClusters(context.Background(), &ecs.ListClustersInput{})
			if code(err) != tc.want {
				t.Errorf("got %q (%v), want %q", code(err), err, tc.want)
			}
		})
	}
}
