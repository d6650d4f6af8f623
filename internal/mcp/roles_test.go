package mcp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const roles = "arn:aws:iam::123456789012:role/"

// mayRun is a policy that may run every task, and pass the role app and those below job.
var mayRun = identity(`{"Effect":"Allow","Action":["ecs:RunTask","ecs:UpdateService"],"Resource":"*"},
	{"Effect":"Allow","Action":"iam:PassRole","Resource":["` + roles + `app","` + roles + `job/*"],"Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}}`)

// Whoever runs an existing task definition has what its roles may do, although the
// call does not name them: policy decides on exactly these, and they are lent.
func TestTheRolesOfATaskDefinitionAreDecidedOnAndLent(t *testing.T) {
	tests := []struct {
		name, identity, taskRole, executionRole, override string
		passed                                            []string // nil: refused
	}{
		{"roles that may be passed", mayRun, roles + "app", roles + "job/pull", "", []string{roles + "app", roles + "job/pull"}},
		{"one role for both", mayRun, roles + "app", roles + "app", "", []string{roles + "app"}},
		{"no roles", mayRun, "", "", "", []string{}},
		{"no roles, of a persona that may pass none", identity(`{"Effect":"Allow","Action":"ecs:RunTask","Resource":"*"}`), "", "", "", []string{}},
		{"all roles may be passed", allowAll, roles + "admin", "", "", []string{roles + "admin"}},
		{"a role that is overridden", mayRun, roles + "admin", roles + "app", roles + "job/web", []string{roles + "app", roles + "job/web"}},
		{"a role that may not be passed", mayRun, roles + "admin", "", "", nil},
		{"one of two", mayRun, roles + "app", roles + "admin", "", nil},
		{"a role, of a persona that may pass none", identity(`{"Effect":"Allow","Action":"ecs:RunTask","Resource":"*"}`), roles + "app", "", "", nil},
		{"a role that is denied", strings.Replace(mayRun, `"Statement":[`, `"Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"`+roles+`job/web"},`, 1), roles + "job/web", "", "", nil},
		{"another one than is denied", strings.Replace(mayRun, `"Statement":[`, `"Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"`+roles+`job/web"},`, 1), roles + "job/x", "", "", []string{roles + "job/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tb := converse(t, "own", ownPolicy(t, tt.identity, "", ""))
			definition := tb.aws.AddTaskDefinition("job", tt.taskRole, tt.executionRole, nil)
			overrides := &types.TaskOverride{}
			params := `{"cluster":"staging","taskDefinition":"job:1"`
			if tt.override != "" {
				overrides.TaskRoleArn = &tt.override
				params += fmt.Sprintf(`,"overrides":{"taskRoleArn":%q}`, tt.override)
			}
			tb.say(manage(1, "RunTask", params+"}"))
			if tt.passed == nil {
				got := tb.hear()
				wants(t, got, "iam:PassRole on a role of "+definition)
				if strings.Contains(got, roles) {
					t.Errorf("the client is told of the role: %s", got)
				}
				wants(t, tb.records(1)[0].Message+fmt.Sprint(tb.records(1)[0].Input.Accesses), roles)
				return
			}
			tb.get()
			session := tb.records(1)[0].Grant.SessionPolicy
			if n := strings.Count(session, roles); n != len(tt.passed) {
				t.Errorf("%d roles are lent, want %d: %s", n, len(tt.passed), session)
			}
			for _, role := range tt.passed {
				wants(t, session, `"`+role+`"`)
			}
			if _, err := tb.asServer().RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("staging"), TaskDefinition: aws.String("job:1"), Overrides: overrides}); err != nil {
				t.Errorf("AWS refused what was decided: %v\n%s", err, session)
			}
		})
	}
}

// AWS runs the latest revision that there is when it is asked. The grant is for the
// one that was looked up.
func TestAFamilyIsDecidedOnAndLentAsItsLatestRevision(t *testing.T) {
	for _, registered := range []bool{false, true} {
		tb := converse(t, "own", ownPolicy(t, identity(`{"Effect":"Allow","Action":"ecs:RunTask","Resource":"arn:aws:ecs:*:*:task-definition/job:2"}`), "", ""))
		tb.aws.AddTaskDefinition("job", "", "", nil)
		tb.aws.AddTaskDefinition("job", "", "", nil)
		tb.say(manage(1, "RunTask", `{"cluster":"staging","taskDefinition":"job"}`))
		tb.get()
		if registered {
			tb.aws.AddTaskDefinition("job", "", "", nil)
		}
		record := tb.records(1)[0]
		wants(t, record.Grant.SessionPolicy, `task-definition/job:2"`)
		wants(t, record.Message, "task-definition/job:* is ", "task-definition/job:2")
		_, err := tb.asServer().RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("staging"), TaskDefinition: aws.String("job")})
		if registered && (err == nil || !strings.Contains(err.Error(), "AccessDenied")) {
			t.Errorf("AWS ran a revision that was not decided on: %v", err)
		}
		if !registered && err != nil {
			t.Errorf("AWS refused what was decided: %v", err)
		}
	}
	tb := converse(t, "own", ownPolicy(t, identity(`{"Effect":"Allow","Action":"ecs:RunTask","Resource":"arn:aws:ecs:*:*:task-definition/job:1"}`), "", ""))
	tb.aws.AddTaskDefinition("job", "", "", nil)
	tb.aws.AddTaskDefinition("job", "", "", nil)
	tb.say(manage(1, "RunTask", `{"cluster":"staging","taskDefinition":"job"}`))
	got := tb.hear()
	wants(t, got, "ecs:RunTask on arn:aws:ecs:us-east-1:123456789012:task-definition/job:*: ")
	if strings.Contains(got, "job:2") {
		t.Errorf("the client is told the revision: %s", got)
	}
}

// A service that is moved to another task definition passes its roles, too.
func TestAServicePassesTheRolesOfItsNewTaskDefinition(t *testing.T) {
	for role, allowed := range map[string]bool{"app": true, "admin": false} {
		tb := converse(t, "own", ownPolicy(t, mayRun, "", ""))
		tb.aws.AddTaskDefinition("job", roles+role, "", nil)
		tb.say(manage(1, "UpdateService", `{"cluster":"staging","service":"checkout","taskDefinition":"job"}`))
		if !allowed {
			wants(t, tb.hear(), "iam:PassRole on a role of arn:aws:ecs:us-east-1:123456789012:task-definition/job:*")
			continue
		}
		tb.get()
		if _, err := tb.asServer().UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("staging"), Service: aws.String("checkout"), TaskDefinition: aws.String("job")}); err != nil {
			t.Errorf("AWS refused what was decided: %v", err)
		}
	}
}

// Roles that cannot be looked up are left out of the grant, so AWS refuses what
// needs them; and nobody without a right to run learns anything.
func TestRolesThatCannotBeLookedUpAreNotLent(t *testing.T) {
	tb := converse(t, "own", ownPolicy(t, mayRun, "", ""))
	tb.aws.AddTaskDefinition("job", roles+"app", "", nil)
	tb.aws.Throttle("ecs:DescribeTaskDefinition", 99)
	tb.say(manage(1, "RunTask", `{"cluster":"staging","taskDefinition":"job:1"}`))
	tb.get()
	record := tb.records(1)[0]
	if strings.Contains(record.Grant.SessionPolicy, "PassRole") || !strings.Contains(record.Message, "Rate exceeded") {
		t.Errorf("%s: %s", record.Message, record.Grant.SessionPolicy)
	}
	if _, err := tb.asServer().RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("staging"), TaskDefinition: aws.String("job:1")}); err == nil {
		t.Error("AWS ran it")
	}

	tb = converse(t, "own", ownPolicy(t, identity(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"},
		{"Effect":"Allow","Action":"ecs:RunTask","Resource":"arn:aws:ecs:us-east-1:123456789012:task-definition/other:*"}`), "", ""))
	tb.say(manage(1, "RunTask", `{"cluster":"staging","taskDefinition":"job"}`))
	wants(t, tb.hear(), "no statement of the persona's identity policy allows it")
	if n := len(tb.aws.Requests()); n != 0 {
		t.Errorf("%d requests for a caller without rights", n)
	}
}
