package facts

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// account starts a strict AWS and returns a reader whose identity has the given policy.
func account(t *testing.T, ttl time.Duration, policy string) (*fakeaws.AWS, *Reader) {
	t.Helper()
	a := fakeaws.New(fakeaws.Config{})
	url, err := a.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	key, err := a.AddUser("facts", policy)
	if err != nil {
		t.Fatal(err)
	}
	return a, New(ecs.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")}), ttl)
}

const describe = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:Describe*","Resource":"*"}]}`

func access(arn string) authz.Access {
	return authz.Access{Action: "ecs:DeleteService", Resource: arn, Context: map[string]authz.Value{},
		Unknown: []string{"aws:SourceIp", "aws:ResourceTag/*", "ecs:ResourceTag/*"}}
}

func TestTagsOfEveryKindBecomeKnown(t *testing.T) {
	a, r := account(t, 0, describe)
	tags := map[string]string{"Environment": "production", "Team": "shop"}
	accesses := []authz.Access{
		access(a.AddCluster("shop", tags)), access(a.AddService("shop", "checkout", tags)),
		access(a.AddTask("shop", "web", tags)), access(a.AddTaskDefinition("web", "", "", tags)),
	}
	filled, problems := r.Fill(t.Context(), accesses)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for i, f := range filled {
		for _, key := range []string{"aws:ResourceTag/Environment", "ecs:ResourceTag/Environment"} {
			if v := f.Context[key]; len(v.Values) != 1 || v.Values[0] != "production" {
				t.Errorf("%s: %s = %v", f.Resource, key, v)
			}
		}
		if f.IsUnknown("aws:ResourceTag/Owner") || !f.IsUnknown("aws:SourceIp") {
			t.Errorf("%s: unknown %v", f.Resource, f.Unknown)
		}
		if len(accesses[i].Context) != 0 || len(accesses[i].Unknown) != 3 {
			t.Errorf("the access that was given was changed: %+v", accesses[i])
		}
	}
}

func TestWhatCannotBeReadStaysUnknown(t *testing.T) {
	tests := []struct {
		name, arn, policy, problem string
	}{
		{"a service that does not exist", "arn:aws:ecs:us-east-1:123456789012:service/shop/nowhere", describe, "was not found"},
		{"a cluster that does not exist", "arn:aws:ecs:us-east-1:123456789012:cluster/nowhere", describe, "was not found"},
		{"a service of a cluster that does not exist", "arn:aws:ecs:us-east-1:123456789012:service/nowhere/x", describe, "ClusterNotFoundException"},
		{"a look-up that AWS refuses", "arn:aws:ecs:us-east-1:123456789012:service/shop/checkout",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:List*","Resource":"*"}]}`, "AccessDeniedException"},
		{"a wider resource", "arn:aws:ecs:us-east-1:123456789012:service/shop/*", describe, ""},
		{"an old short ARN", "arn:aws:ecs:us-east-1:123456789012:service/checkout", describe, ""},
		{"another service's resource", "arn:aws:iam::123456789012:role/x", describe, ""},
		{"no resource", "*", describe, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, r := account(t, time.Minute, tt.policy)
			a.AddService("shop", "checkout", map[string]string{"Environment": "staging"})
			filled, problems := r.Fill(t.Context(), []authz.Access{access(tt.arn)})
			if !filled[0].IsUnknown("aws:ResourceTag/Environment") {
				t.Errorf("known: %+v", filled[0])
			}
			if got := strings.Join(problems, " "); !strings.Contains(got, tt.problem) || (tt.problem == "") != (got == "") {
				t.Errorf("problems %q, want %q", got, tt.problem)
			}
		})
	}
}

func TestTagsThatDifferOnlyInCaseStayUnknown(t *testing.T) {
	a, r := account(t, 0, describe)
	arn := a.AddCluster("shop", map[string]string{"Environment": "staging", "environment": "production", "Team": "shop"})
	filled, _ := r.Fill(t.Context(), []authz.Access{access(arn)})
	if f := filled[0]; !f.IsUnknown("aws:ResourceTag/Environment") || f.IsUnknown("aws:ResourceTag/Team") || len(f.Context["aws:ResourceTag/Environment"].Values) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestOneRequestServesManyAndTheCacheServesAgain(t *testing.T) {
	a, r := account(t, time.Minute, describe)
	var accesses []authz.Access
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
		accesses = append(accesses, access(a.AddService("shop", name, nil)), access(a.AddService("shop", name, nil)))
	}
	for range 3 {
		r.Fill(t.Context(), accesses)
	}
	if n := len(a.Requests()); n != 2 {
		t.Errorf("%d requests for 11 services thrice, want 2 (ten at a time)", n)
	}
	r.Forget()
	r.Fill(t.Context(), accesses[:1])
	if n := len(a.Requests()); n != 3 {
		t.Errorf("%d requests, want 3 after Forget", n)
	}
}
