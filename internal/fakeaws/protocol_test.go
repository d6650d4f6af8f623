package fakeaws

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func target(operation string) http.Header {
	return http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {ecsTarget + "." + operation}}
}

func TestRequestsThatCannotBeRead(t *testing.T) {
	w := newWorld(t, Role{})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	cases := []struct {
		name, service, body string
		header              http.Header
		want                string
	}{
		{"no JSON", "ecs", "{", target("ListClusters"), "SerializationException"},
		{"no body", "ecs", "", target("ListClusters"), "SerializationException"},
		{"two values", "ecs", "{}{}", target("ListClusters"), "SerializationException"},
		{"a duplicate member", "ecs", `{"cluster":"a","cluster":"b"}`, target("DeleteCluster"), "SerializationException"},
		{"a member of another type", "ecs", `{"cluster":7}`, target("DeleteCluster"), "SerializationException"},
		{"a member in another case is another member", "ecs", `{"Cluster":"prod"}`, target("DeleteCluster"), "InvalidParameterException"},
		{"JSON of another content type", "ecs", "{}", http.Header{"Content-Type": {"text/plain"}, "X-Amz-Target": {listClusters}}, "SerializationException"},
		{"two targets", "ecs", "{}", http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {listClusters, listClusters}}, "SerializationException"},
		{"a target without operation", "ecs", "{}", http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"x"}}, "UnknownOperationException"},
		{"a target of another service", "ecs", "{}", http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Other.ListClusters"}}, "UnknownOperationException"},
		{"an operation of none", "ecs", "{}", target("ListEverything"), "UnknownOperationException"},
		{"an operation with a wildcard", "ecs", "{}", target("List*"), "UnknownOperationException"},
		{"a REST request", "s3", "", http.Header{}, "UnknownOperationException"},
		{"a form without action", "sts", "Version=2011-06-15", form, "InvalidAction"},
		{"a form with a parameter twice", "sts", "Action=GetCallerIdentity&Version=2011-06-15&Version=2011-06-15", form, "MalformedQueryString"},
		{"a form of bad escapes", "sts", "Action=%zz", form, "MalformedQueryString"},
		{"another version", "sts", "Action=GetCallerIdentity&Version=2010-01-01", form, "InvalidAction"},
		{"a parameter that is unknown", "sts", "Action=GetCallerIdentity&Version=2011-06-15&Foo=1", form, "InvalidParameterValue"},
		{"a list with a gap", "sts", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=ab&RoleArn=" + w.role + "&Tags.member.2.Key=a&Tags.member.2.Value=b", form, "MalformedQueryString"},
		{"a tag without value", "sts", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=ab&RoleArn=" + w.role + "&Tags.member.1.Key=a", form, "ValidationError"},
		{"a request over a mebibyte", "ecs", strings.Repeat(" ", maxBody+1), target("ListClusters"), "RequestEntityTooLargeException"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := w.signing()
			s.service, s.body, s.header = tc.service, tc.body, tc.header
			status, body := w.send(w.sign(s))
			if status < 400 || !strings.Contains(body, tc.want+`"`) && !strings.Contains(body, "<Code>"+tc.want+"<") {
				t.Errorf("%d %s, want %s", status, body, tc.want)
			}
			if got := w.last().Code; got != tc.want {
				t.Errorf("recorded %q, want %q", got, tc.want)
			}
		})
	}
}

// What is not implemented is authorised like everything else, on the resources
// that it names, and then refused as unknown.
func TestOperationsWithoutEffectAreAuthorisedFirst(t *testing.T) {
	w := newWorld(t, Role{})
	const prefix = "arn:aws:ecs:us-east-1:123456789012:"
	cases := []struct {
		name, body string
		resources  []string
	}{
		{"ExecuteCommand", `{"cluster":"prod","task":"abc"}`, []string{prefix + "cluster/prod", prefix + "task/prod/abc"}},
		{"UpdateCluster", `{"cluster":"prod"}`, []string{prefix + "cluster/prod"}},
		{"UpdateServicePrimaryTaskSet", `{"cluster":"prod","service":"api"}`, []string{prefix + "service/prod/api"}},
		{"UpdateContainerInstancesState", `{"containerInstances":["a","b"]}`, []string{prefix + "container-instance/default/a", prefix + "container-instance/default/b"}},
		{"GetTaskProtection", `{"cluster":"prod"}`, []string{prefix + "task/prod/*"}},
		{"UpdateCapacityProvider", `{"name":"FARGATE"}`, []string{prefix + "capacity-provider/FARGATE"}},
		{"DeleteTaskDefinitions", `{"taskDefinitions":["job:3"]}`, []string{prefix + "task-definition/job:3"}},
		{"StartTask", `{"taskDefinition":"job"}`, []string{prefix + "task-definition/job:*"}},
		{"PutAccountSetting", `{"name":"x"}`, []string{"*"}},
	}
	for _, tc := range cases {
		t.Run(tc.name+tc.body, func(t *testing.T) {
			ask := func(policy, want string) {
				t.Helper()
				c, err := w.assume(policy).Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				s := w.signing()
				s.key, s.token, s.body, s.header = Key{c.AccessKeyID, c.SecretAccessKey}, c.SessionToken, tc.body, target(tc.name)
				w.send(w.sign(s))
				last := w.last()
				if last.Code != want || last.Action != "ecs:"+tc.name || want == "UnknownOperationException" && !slices.Equal(last.Resource, tc.resources) {
					t.Errorf("%+v, want %s on %q", last, want, tc.resources)
				}
			}
			ask(one(`"Effect":"Allow","Action":"ecs:`+tc.name+`","Resource":["`+strings.Join(tc.resources, `","`)+`"]`), "UnknownOperationException")
			ask(one(`"Effect":"Allow","Action":"ecs:`+tc.name+`","Resource":"arn:aws:ecs:us-east-1:123456789012:other/x"`), "AccessDeniedException")
			ask(one(`"Effect":"Allow","Action":"ecs:Other","Resource":"*"`), "AccessDeniedException")
		})
	}
	t.Run("another service", func(t *testing.T) {
		s := w.signing().asQuery()
		s.service, s.body = "ec2", "Action=DescribeVpcs&Version=2016-11-15"
		if _, body := w.send(w.sign(s)); !strings.Contains(body, "<Code>InvalidAction</Code>") || w.last().Action != "ec2:DescribeVpcs" {
			t.Error(body)
		}
	})
}

func TestRecordsHoldNoSecrets(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddCluster("prod", nil)
	w.AddTaskDefinition("job", "", "", nil)
	session, err := w.assume(allowAll).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.userECS().RunTask(t.Context(), &ecs.RunTaskInput{
		Cluster: aws.String("prod"), TaskDefinition: aws.String("job"),
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("main"),
			Environment: []types.KeyValuePair{{Name: aws.String("PASSWORD"), Value: aws.String("canary-value")}}}}},
	})
	wantCode(t, "run", err, "")
	var all strings.Builder
	for _, r := range w.Requests() {
		all.WriteString(r.Reason + string(r.Params) + r.Principal + strings.Join(r.Resource, " "))
	}
	for _, secret := range []string{w.user.Secret, session.SecretAccessKey, session.SessionToken, "canary-value"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("a record holds %q", secret)
		}
	}
	if !strings.Contains(all.String(), "PASSWORD") {
		t.Error("the variable's name is missing from the record")
	}
}

func TestRecordsAreCopies(t *testing.T) {
	w := newWorld(t, Role{})
	w.assume(sessionPolicy)
	w.Requests()[0].Resource[0] = "x"
	w.Sessions()[0].Tags["x"] = "y"
	w.Tags(w.AddCluster("prod", map[string]string{"a": "b"}))["a"] = "c"
	if w.Requests()[0].Resource[0] == "x" || w.Sessions()[0].Tags["x"] == "y" || w.Tags("arn:aws:ecs:us-east-1:123456789012:cluster/prod")["a"] != "b" {
		t.Error("what was handed out changes the state")
	}
}

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, Role{})
	w.AddService("prod", "api", nil)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			c := w.as(allowAll)
			for range 5 {
				if _, err := c.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"api"}}); err != nil {
					t.Error(err)
				}
				_ = append(w.Violations(), "")
				w.SetTag(serviceARN, "a", "b")
			}
		})
	}
	wait.Wait()
	if n, m := len(w.Requests()), len(w.Sessions()); n != 48 || m != 8 {
		t.Errorf("%d requests, %d sessions", n, m)
	}
}

func TestStartAndClose(t *testing.T) {
	a := New(Config{})
	if err := a.Close(); err != nil {
		t.Errorf("close before start: %v", err)
	}
	endpoint, err := a.Start()
	if err != nil || !strings.HasPrefix(endpoint, "http://127.0.0.1:") {
		t.Fatal(endpoint, err)
	}
	if _, err := a.Start(); err == nil {
		t.Error("started twice")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(endpoint); err == nil {
		t.Error("still there after close")
	}
	if again, err := a.Start(); err != nil || again == "" {
		t.Errorf("start after close: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
