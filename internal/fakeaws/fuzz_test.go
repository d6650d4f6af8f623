package fakeaws

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever text comes as a policy: it is refused as one, or it can be evaluated
// and packed, and its Deny statements are never lost.
func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{
		allowAll, sessionPolicy, ``, `{}`, `{"Statement":{}}`,
		one(`"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:ecs:*","Condition":{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":["a*",true,7]}}`),
		one(`"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:::${aws:PrincipalTag/x, 'd'}*${*}"`),
		one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}}`),
		one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","::1"]},"Null":{"x":"true"}}`),
		one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"ecs:task-cpu":"00.50"}}`),
	} {
		f.Add(seed, "ecs:DeleteService", serviceARN, "x")
	}
	denyAll := one(`"Effect":"Deny","Action":"*","Resource":"*"`)
	f.Fuzz(func(t *testing.T, policy, action, resource, v string) {
		c := Case{Identity: []string{policy}, Action: action, Resource: resource,
			Single: map[string]string{"aws:PrincipalTag/x": v, "aws:SourceIp": v, "ecs:task-cpu": v, "aws:CurrentTime": v},
			Multi:  map[string][]string{"aws:TagKeys": {v, "a"}}}
		got, err := Simulate(c)
		if err != nil {
			if !errors.Is(err, ErrPolicy) {
				t.Fatalf("an error of another class: %v", err)
			}
			return
		}
		if got != "allowed" && got != "explicitDeny" && got != "implicitDeny" {
			t.Fatalf("an answer that is none: %q", got)
		}
		c.Identity = append(c.Identity, denyAll)
		if got, err := Simulate(c); err != nil || got != "explicitDeny" {
			t.Fatalf("with a Deny on everything: %q %v", got, err)
		}
		if packedSize(policy, nil) < 1 {
			t.Fatal("a policy that takes no space")
		}
	})
}

// Whatever comes on the wire without a valid signature: it is answered with an
// error, changes nothing, and nothing of it is allowed.
func FuzzRequest(f *testing.F) {
	good := "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20260102/us-east-1/ecs/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)
	f.Add("POST", "/", good, "application/x-amz-json-1.1", listClusters, "20260102T030405Z", []byte("{}"))
	f.Add("POST", "/?a=b", good, "application/x-www-form-urlencoded", "", "20260102T030405Z", []byte("Action=GetCallerIdentity&Version=2011-06-15"))
	f.Add("GET", "/a%2Fb", "", "", "", "", []byte{})
	f.Add("POST", "/", "AWS4-HMAC-SHA256 Credential=,SignedHeaders=;,Signature=", "x", "AmazonEC2ContainerServiceV20141113.", "now", []byte(`{"a":`))
	f.Fuzz(func(t *testing.T, method, path, authorization, contentType, target, date string, body []byte) {
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		a := New(Config{Now: func() time.Time { return now }})
		a.keys["AKIAAAAAAAAAAAAAAAAA"] = &accessKey{id: "AKIAAAAAAAAAAAAAAAAA", secret: strings.Repeat("s", 40)}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.Method, r.RequestURI = method, path
		for name, v := range map[string]string{"Authorization": authorization, "Content-Type": contentType, "X-Amz-Target": target, "X-Amz-Date": date} {
			if v != "" {
				r.Header.Set(name, v)
			}
		}
		answer := httptest.NewRecorder()
		a.Handler().ServeHTTP(answer, r)
		if answer.Code < 400 {
			t.Fatalf("answered with %d: %s", answer.Code, answer.Body)
		}
		all := a.Requests()
		if len(all) != 1 || all[0].Allowed || all[0].Code == "" || all[0].Principal != "" || len(a.Sessions()) != 0 {
			t.Fatalf("recorded %+v", all)
		}
	})
}

// Whatever an authenticated caller without any permission sends:
// nothing of it is allowed but asking who one is.
func FuzzOperation(f *testing.F) {
	f.Add("ecs", "DescribeServices", `{"services":["a"]}`)
	f.Add("ecs", "RunTask", `{"taskDefinition":"a:1","tags":[{"key":"a","value":"b"}],"overrides":{"taskRoleArn":"x"}}`)
	f.Add("ecs", "CreateService", `{"serviceName":"a","loadBalancers":[{"advancedConfiguration":{"roleArn":"r"}}],"networkConfiguration":{}}`)
	f.Add("ecs", "ExecuteCommand", `{"cluster":"arn:aws:ecs:us-east-1:123456789012:cluster/prod","task":"arn:aws:ecs:::x"}`)
	f.Add("sts", "AssumeRole", `Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=ab&Version=2011-06-15`)
	f.Add("iam", "GetRole", `{}`)
	f.Add("ecr", "ListTagsForResource", `{"resourceArn":"arn:aws:ecr:us-east-1:123456789012:repository/web-repo"}`)
	f.Add("logs", "ListTagsForResource", `{"resourceArn":"arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web"}`)
	f.Add("cloudformation", "DeleteStack", `Action=DeleteStack&Version=2010-05-15&StackName=web`)
	f.Add("ecs", "DeleteTaskSet", `{"cluster":"prod","service":"api","taskSet":"ecs-svc/1"}`)
	f.Fuzz(func(t *testing.T, service, operation, body string) {
		a := New(Config{})
		a.AddService("prod", "api", nil)
		if _, err := a.AddRole(Role{Name: "r", Identity: []string{allowAll}}); err != nil {
			t.Fatal(err)
		}
		c := &call{aws: a, at: a.clock(), caller: principal{arn: "arn:aws:iam::123456789012:user/none", layers: []layer{{}}}}
		c.message = message{protocol: jsonProtocol, operation: operation, target: ecsTarget, body: []byte(body)}
		c.auth = authorization{service: service, region: "us-east-1"}
		if service == "ecr" {
			c.target = ecrTarget
		}
		if service == "logs" {
			c.target = logsTarget
		}
		if service == "sts" || service == "cloudformation" {
			form, err := parseForm(body)
			if err != nil {
				return
			}
			c.protocol, c.form = queryProtocol, form
		}
		_, fault := c.perform()
		c.record(fault)
		if c.allowed && operation != "GetCallerIdentity" {
			t.Fatalf("allowed %s:%s", service, operation)
		}
		if fault == nil && operation != "GetCallerIdentity" {
			t.Fatalf("answered %s:%s", service, operation)
		}
		if len(a.Sessions()) != 0 || !a.HasService("prod", "api") {
			t.Fatal("the state changed")
		}
	})
}
