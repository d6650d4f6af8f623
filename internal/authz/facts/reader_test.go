package facts

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
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
	config := aws.Config{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
		Retryer: func() aws.Retryer { return retry.AddWithMaxBackoffDelay(retry.NewStandard(), time.Millisecond) }}
	return a, New(Clients{ecs.NewFromConfig(config), cloudformation.NewFromConfig(config), ecr.NewFromConfig(config), cloudwatchlogs.NewFromConfig(config)}, ttl)
}

const describe = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecs:Describe*","cloudformation:DescribeStacks","ecr:ListTagsForResource","logs:ListTagsForResource"],"Resource":"*"}]}`

const arn = "arn:aws:ecs:us-east-1:123456789012:"

func access(arn string) authz.Access {
	return authz.Access{Action: "ecs:DeleteService", Resource: arn, Context: map[string]authz.Value{},
		Unknown: []string{"aws:SourceIp", "aws:ResourceTag/*", "ecs:ResourceTag/*"}}
}

// kinds are all the kinds there are: one that is there, and one that is not.
var kinds = []struct {
	name    kind
	add     func(*fakeaws.AWS, map[string]string) string
	missing string
}{
	{cluster, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddCluster("shop", tags) }, arn + "cluster/nowhere"},
	{service, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddService("shop", "checkout", tags) }, arn + "service/shop/nowhere"},
	{task, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddTask("shop", "web", tags) }, arn + "task/shop/1a"},
	{taskSet, func(a *fakeaws.AWS, tags map[string]string) string {
		a.AddService("shop", "checkout", nil)
		return a.AddTaskSet("shop", "checkout", tags)
	}, arn + "task-set/shop/checkout/ecs-svc/1"},
	{taskDefinition, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddTaskDefinition("web", "", "", tags) }, arn + "task-definition/web:7"},
	{containerInstance, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddContainerInstance("shop", tags) }, arn + "container-instance/shop/1a"},
	{capacityProvider, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddCapacityProvider("burst", tags) }, arn + "capacity-provider/nowhere"},
	{stack, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddStack("web", tags) },
		"arn:aws:cloudformation:us-east-1:123456789012:stack/nowhere/1a"},
	{repository, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddRepository("team/web", tags) },
		"arn:aws:ecr:us-east-1:123456789012:repository/nowhere"},
	{logGroup, func(a *fakeaws.AWS, tags map[string]string) string { return a.AddLogGroup("/ecs/shop", tags) + ":*" },
		"arn:aws:logs:us-east-1:123456789012:log-group:/ecs/nowhere:*"},
}

func TestEveryKindIsTested(t *testing.T) {
	if len(kinds) != len(lookups) {
		t.Errorf("%d kinds are tested, there are %d", len(kinds), len(lookups))
	}
}

func TestTheDocumentationNamesEveryPermission(t *testing.T) {
	b, err := os.ReadFile("../../../docs/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := `["` + strings.Join(Actions(), `", "`) + `"]`; !strings.Contains(strings.Join(strings.Fields(string(b)), " "), want) {
		t.Errorf("docs/catalogue.md does not have %s", want)
	}
}

func TestEveryKindIsFoundWithItsTags(t *testing.T) {
	for _, k := range kinds {
		t.Run(string(k.name), func(t *testing.T) {
			a, r := account(t, 0, describe)
			given := access(k.add(a, map[string]string{"Environment": "production", "Team": "shop"}))
			given.Subject = given.Resource
			given.Unknown = append(given.Unknown, "ecr:ResourceTag/*", "ecs-mcp-proxy:SubjectTag/*")
			filled, problems := r.Fill(t.Context(), []authz.Access{given})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			f := filled[0]
			for _, key := range []string{"aws:ResourceTag/Environment", "ecs:ResourceTag/Environment", "ecr:ResourceTag/Environment", "ecs-mcp-proxy:SubjectTag/Environment"} {
				if v := f.Context[key]; len(v.Values) != 1 || v.Values[0] != "production" || f.IsUnknown(strings.Replace(key, "Environment", "Owner", 1)) {
					t.Errorf("%s = %v, unknown %v", key, v, f.Unknown)
				}
			}
			if !f.IsUnknown("aws:SourceIp") || len(given.Context) != 0 || len(given.Unknown) != 5 {
				t.Errorf("unknown %v; given %+v", f.Unknown, given)
			}
			if n := len(a.Requests()); n != 1 {
				t.Errorf("%d requests for one resource", n)
			}
			if last := a.Requests()[0]; last.Action != lookups[k.name].action {
				t.Errorf("%s was asked, want %s", last.Action, lookups[k.name].action)
			}
		})
	}
}

func TestEveryKindStaysUnknownInDoubt(t *testing.T) {
	for _, k := range kinds {
		for _, tt := range []struct {
			name, policy, problem string
			missing               bool
			throttles             int
		}{
			{"not found", describe, "found", true, 0},
			{"denied", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:List*","Resource":"*"}]}`, "AccessDenied", false, 0},
			{"throttled", describe, "Rate exceeded", false, 99},
		} {
			t.Run(string(k.name)+" "+tt.name, func(t *testing.T) {
				a, r := account(t, time.Minute, tt.policy)
				resource := k.add(a, map[string]string{"Environment": "staging"})
				if tt.missing {
					resource = k.missing
				}
				a.Throttle(lookups[k.name].action, tt.throttles)
				given := access(resource)
				given.Subject, given.Unknown = resource, append(given.Unknown, "ecs-mcp-proxy:SubjectTag/*")
				filled, problems := r.Fill(t.Context(), []authz.Access{given})
				if f := filled[0]; !f.IsUnknown("aws:ResourceTag/Environment") || !f.IsUnknown("ecs-mcp-proxy:SubjectTag/Environment") || len(f.Context) != 0 {
					t.Errorf("known: %+v", f)
				}
				if got := strings.Join(problems, " "); strings.Count(got, "look up tags") != 1 || !strings.Contains(got, tt.problem) && !strings.Contains(got, "Unable to describe") || !strings.Contains(got, resource) {
					t.Errorf("problems %q, want one with %q of %s", got, tt.problem, resource)
				}
				a.Throttle(lookups[k.name].action, 0)
				if r.Fill(t.Context(), []authz.Access{given}); len(a.Requests()) < 2 {
					t.Error("a failure was kept")
				}
			})
		}
	}
}

func TestAPassingThrottleIsWaitedOut(t *testing.T) {
	a, r := account(t, 0, describe)
	resource := a.AddStack("web", nil)
	a.Throttle("cloudformation:DescribeStacks", 1)
	if filled, problems := r.Fill(t.Context(), []authz.Access{access(resource)}); filled[0].IsUnknown("aws:ResourceTag/Environment") || problems != nil {
		t.Errorf("%+v, %v", filled[0], problems)
	}
}

// A stack by name is the one that has the name now; in another account or
// region it would be another's.
func TestAStackIsFoundByItsNameInItsOwnAccount(t *testing.T) {
	a, r := account(t, 0, describe)
	a.AddStack("web", map[string]string{"Environment": "production"})
	a.AddStack("web", map[string]string{"Environment": "staging"})
	a.AddStack("web-2", map[string]string{"Environment": "production"})
	for resource, want := range map[string]string{
		"arn:aws:cloudformation:us-east-1:123456789012:stack/web/*": "staging",
		"arn:aws:cloudformation:us-east-1:999999999999:stack/web/*": "",
		"arn:aws:cloudformation:eu-west-1:123456789012:stack/web/*": "",
		"arn:aws:cloudformation:us-east-1:123456789012:stack/*/*":   "",
		"arn:aws:cloudformation:us-east-1:123456789012:stack/we*/*": "",
	} {
		filled, _ := r.Fill(t.Context(), []authz.Access{access(resource)})
		if v := filled[0].Context["aws:ResourceTag/Environment"]; strings.Join(v.Values, " ") != want || filled[0].IsUnknown("aws:ResourceTag/Environment") != (want == "") {
			t.Errorf("%s: %v, unknown %v", resource, v, filled[0].Unknown)
		}
	}
}

// The resource's tags and the subject's are not each other's.
func TestAResourceAndItsSubjectHaveTagsOfTheirOwn(t *testing.T) {
	a, r := account(t, 0, describe)
	given := access(a.AddCluster("shop", map[string]string{"Environment": "staging", "Team": "shop"}))
	given.Subject, given.Unknown = a.AddContainerInstance("shop", map[string]string{"Environment": "production"}), append(given.Unknown, "ecs-mcp-proxy:SubjectTag/*")
	filled, problems := r.Fill(t.Context(), []authz.Access{given})
	f := filled[0]
	if problems != nil || f.Context["aws:ResourceTag/Environment"].Values[0] != "staging" || f.Context["ecs-mcp-proxy:SubjectTag/Environment"].Values[0] != "production" {
		t.Errorf("%+v, %v", f, problems)
	}
	if _, ok := f.Context["ecs-mcp-proxy:SubjectTag/Team"]; ok || f.IsUnknown("ecs-mcp-proxy:SubjectTag/Team") {
		t.Errorf("the subject has the cluster's tag: %+v", f)
	}
	// An action without resource-level permission has a subject and no resource tags, whatever is known of the subject.
	unscoped := authz.Access{Action: "ecs:DeregisterTaskDefinition", Resource: "*", Subject: a.AddTaskDefinition("web", "", "", map[string]string{"Environment": "production"}),
		Unknown: []string{"ecs-mcp-proxy:SubjectTag/*"}}
	filled, _ = r.Fill(t.Context(), []authz.Access{unscoped})
	if len(filled[0].Context) != 1 || len(filled[0].Unknown) != 0 {
		t.Errorf("%+v", filled[0])
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
		{"the logs of several groups", "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/shop/*", describe, ""},
		{"a log stream", "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/shop:log-stream:*", describe, ""},
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
	var notes []string
	var accesses []authz.Access
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} {
		accesses = append(accesses, access(a.AddService("shop", name, nil)), access(a.AddService("shop", name, nil)))
	}
	for range 3 {
		_, notes = r.Fill(t.Context(), accesses)
	}
	if len(notes) != 11 || !regexp.MustCompile(`service/shop/a are \d+\.\d s old`).MatchString(notes[0]) {
		t.Errorf("the record does not say how old the answers are: %q", notes)
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

func TestCapacityProvidersAreAskedForAsManyAsAWSAnswers(t *testing.T) {
	a, r := account(t, 0, describe)
	var accesses []authz.Access
	for i := range 11 {
		accesses = append(accesses, access(a.AddCapacityProvider(fmt.Sprintf("burst-%d", i), nil)))
	}
	if _, problems := r.Fill(t.Context(), accesses); problems != nil || len(a.Requests()) != 2 {
		t.Errorf("%d requests, problems %q", len(a.Requests()), problems)
	}
}

func TestOneCallLooksUpABoundedNumber(t *testing.T) {
	a, r := account(t, 0, describe)
	var accesses []authz.Access
	for i := range maxRequests + 5 {
		accesses = append(accesses, access(a.AddRepository(fmt.Sprintf("web-%d", i), nil)))
	}
	filled, problems := r.Fill(t.Context(), accesses)
	if len(a.Requests()) != maxRequests || len(problems) != 5 {
		t.Errorf("%d requests, problems %q", len(a.Requests()), problems)
	}
	for i, f := range filled {
		if f.IsUnknown("aws:ResourceTag/Environment") != (i >= maxRequests) {
			t.Errorf("%s: unknown %v", f.Resource, f.Unknown)
		}
	}
}

func TestALookUpEndsWithItsTime(t *testing.T) {
	a, r := account(t, 0, describe)
	resource := a.AddRepository("web", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	filled, problems := r.Fill(ctx, []authz.Access{access(resource)})
	if !filled[0].IsUnknown("aws:ResourceTag/Environment") || len(problems) != 1 || !strings.Contains(problems[0], "no answer from AWS in time") {
		t.Errorf("%+v, %q", filled[0], problems)
	}
}
