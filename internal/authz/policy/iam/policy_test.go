package iam

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

func compile(t *testing.T, layers string) *Policy {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(layers), &value); err != nil {
		t.Fatal(err)
	}
	p, err := New(value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const protected = `{
	"identity": [{"name": "id", "document": {"Version": "2012-10-17", "Statement": [
		{"Sid": "All", "Effect": "Allow", "Action": "ecs:*", "Resource": "*"},
		{"Sid": "Own", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::${aws:PrincipalTag/team, 'none'}/*"}]}}],
	"boundary": [{"name": "b", "document": {"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "*", "Resource": "*"},
		{"Sid": "Production", "Effect": "Deny", "NotAction": "ecs:Describe*", "Resource": "arn:aws:ecs:*:*:service/*",
		 "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "production"}}}]}}],
	"mcp": [{"name": "m", "document": {"Statement": {"Effect": "Allow", "Action": "mcp:CallTool", "Resource": "*"}}}]
}`

const service = "arn:aws:ecs:us-east-1:123456789012:service/shop/web"

func TestEvaluate(t *testing.T) {
	p := compile(t, protected)
	tests := map[string]struct {
		access     authz.Access
		verdict    authz.Verdict
		layer      string
		statements []string
		needs      []string
	}{
		"a deny of the boundary": {
			authz.Access{Action: "ecs:DeleteService", Resource: service, Context: map[string]authz.Value{"aws:resourcetag/environment": authz.One("production")}},
			authz.ExplicitDeny, "boundary", []string{"b/Production"}, nil},
		"a deny that may be": {
			authz.Access{Action: "ecs:DeleteService", Resource: service, Unknown: []string{"aws:ResourceTag/*"}},
			authz.ExplicitDeny, "boundary", []string{"b/Production"}, []string{"aws:ResourceTag/Environment"}},
		"allowed by both": {
			authz.Access{Action: "ecs:DeleteService", Resource: service}, authz.Allowed, "identity", []string{"id/All", "b/#0"}, nil},
		"spared by NotAction": {
			authz.Access{Action: "ECS:describeservices", Resource: service, Unknown: []string{"aws:ResourceTag/*"}},
			authz.Allowed, "identity", []string{"id/All", "b/#0"}, nil},
		"allowed by nobody": {
			authz.Access{Action: "iam:PassRole", Resource: "*"}, authz.ImplicitDeny, "identity", nil, nil},
		"a variable": {
			authz.Access{Action: "s3:GetObject", Resource: "arn:aws:s3:::web/a", Context: map[string]authz.Value{"aws:PrincipalTag/team": authz.One("web")}},
			authz.Allowed, "identity", []string{"id/Own", "b/#0"}, nil},
		"a variable's default": {
			authz.Access{Action: "s3:GetObject", Resource: "arn:aws:s3:::none/a"}, authz.Allowed, "identity", []string{"id/Own", "b/#0"}, nil},
		"a variable that is unknown": {
			authz.Access{Action: "s3:GetObject", Resource: "arn:aws:s3:::none/a", Unknown: []string{"aws:PrincipalTag/team"}},
			authz.ImplicitDeny, "identity", []string{"id/Own"}, []string{"aws:PrincipalTag/team"}},
		"a wide resource that a deny may meet": {
			authz.Access{Action: "ecs:DeleteService", Resource: "arn:aws:ecs:us-east-1:123456789012:service/*", Context: map[string]authz.Value{"aws:ResourceTag/Environment": authz.One("production")}},
			authz.ExplicitDeny, "boundary", []string{"b/Production"}, nil},
		"what mcp alone decides": {
			authz.Access{Action: "mcp:CallTool", Resource: "arn:ecs-mcp-proxy:mcp:::a"}, authz.Allowed, "mcp", []string{"m/#0"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answer, err := p.Evaluate([]authz.Access{tt.access})
			if err != nil {
				t.Fatal(err)
			}
			r := answer.Accesses[0]
			if r.Verdict != tt.verdict || r.Layer != tt.layer || !slices.Equal(r.Statements, tt.statements) || !slices.Equal(r.Needs, tt.needs) {
				t.Errorf("got %+v", r)
			}
			if answer.Allow != (tt.verdict == authz.Allowed) {
				t.Errorf("allow is %t", answer.Allow)
			}
		})
	}
}

func TestEvaluateRefusesWhatItCannotCompare(t *testing.T) {
	p := compile(t, `{"identity": [{"name": "id", "document": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
		"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}}}}}]}`)
	for name, access := range map[string]authz.Access{
		"no action":                {Action: "DeleteService", Resource: "*"},
		"an action of three parts": {Action: "a:b:c", Resource: "*"},
		"a single key of two values": {Action: "ecs:ListClusters", Resource: "*",
			Context: map[string]authz.Value{"a:b": {Values: []string{"1", "2"}}}},
		"a key in two spellings": {Action: "ecs:ListClusters", Resource: "*", Context: map[string]authz.Value{"a:b": authz.One("1"), "A:b": authz.One("2")}},
		"a date that is none":    {Action: "ecs:ListClusters", Resource: "*", Context: map[string]authz.Value{"aws:CurrentTime": authz.One("2026-13-01")}},
	} {
		t.Run(name, func(t *testing.T) {
			if answer, err := p.Evaluate([]authz.Access{access}); err == nil || answer.Allow || answer.Accesses != nil {
				t.Errorf("got %+v, %v", answer, err)
			}
		})
	}
}

func TestNewRefusesWhatItCannotRead(t *testing.T) {
	for name, layers := range map[string]string{
		"a layer that is no list":     `{"identity": {}}`,
		"a document without a name":   `{"identity": [{"document": {}}]}`,
		"a document without a body":   `{"boundary": [{"name": "a"}]}`,
		"a statement that is none":    `{"session": [{"name": "a", "document": {"Statement": ["Allow"]}}]}`,
		"no statement":                `{"session": [{"name": "a", "document": {"Statement": [{}]}}]}`,
		"a number as an action":       `{"mcp": [{"name": "a", "document": {"Statement": {"Action": 1, "Resource": "*"}}}]}`,
		"an action without a service": `{"mcp": [{"name": "a", "document": {"Statement": {"Action": "x", "Resource": "*"}}}]}`,
		"a number as a resource":      `{"mcp": [{"name": "a", "document": {"Statement": {"Action": "*", "Resource": 1}}}]}`,
		"an operator that is none":    `{"mcp": [{"name": "a", "document": {"Statement": {"Action": "*", "Resource": "*", "Condition": {"StringEqual": {"a:b": "c"}}}}}]}`,
		"an object as a value":        `{"mcp": [{"name": "a", "document": {"Statement": {"Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a:b": {}}}}}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			var value map[string]any
			if err := json.Unmarshal([]byte(layers), &value); err != nil {
				t.Fatal(err)
			}
			if _, err := New(value); err == nil {
				t.Error("it was taken")
			}
		})
	}
}
