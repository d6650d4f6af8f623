package catalog

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// What a server could want beyond its call.
var beyond = struct {
	actions   []string
	resources []string
	changes   []map[string]string // of the call's own context; an empty value takes the key away
}{
	actions: []string{"iam:PassRole", "iam:CreateRole", "ecs:TagResource", "ecs:UntagResource", "ecs:DeleteCluster", "ecs:DeleteService", "ecs:UpdateService",
		"ecs:RunTask", "ecs:ExecuteCommand", "ecs:DescribeTaskDefinition", "sts:AssumeRole", "logs:GetLogEvents", "secretsmanager:GetSecretValue"},
	resources: []string{"*", "arn:aws:iam::123456789012:role/other", "arn:aws:ecs:us-east-1:123456789012:cluster/other",
		"arn:aws:ecs:us-east-1:123456789012:service/other/web", "arn:aws:ecs:us-east-1:123456789012:service/prod/other",
		"arn:aws:ecs:us-east-1:123456789012:task/other/abc", "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/prod-other:log-stream:x"},
	changes: []map[string]string{{}, {"aws:RequestedRegion": "eu-west-1"}, {"ecs:cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/other"}, {"ecs:cluster": ""},
		{"iam:PassedToService": "ec2.amazonaws.com"}, {"iam:PassedToService": ""}, {"ecs:CreateAction": ""}, {"ecs:CreateAction": "RunTask"},
		{"aws:RequestTag/Environment": "staging", "aws:TagKeys": "Environment"}, {"ecs:container-name": "sidecar"}, {"ecs:account-setting": "x"}, {"ecs:namespace": "x"}},
}

// The grant of a call allows its accesses and nothing beyond them: asked of an
// evaluator that shares no code with the compiler, about a role that may do
// everything, so that only the session policy limits.
func TestAGrantAllowsNothingBeyondTheDecision(t *testing.T) {
	c := awslabs(t)
	asked, allowed := 0, 0
	for _, s := range samples(t) {
		tool, arguments := sample(c, s[0], s[1])
		r, err := c.Resolve(testEnv, tool, arguments)
		if err != nil {
			t.Fatal(err)
		}
		var items []grant.Item
		foreign, actions, resources := slices.Clone(beyond.actions), []string{"iam:PassRole", "ecs:TagResource"}, slices.Clone(beyond.resources)
		for _, a := range r.Accesses {
			items = append(items, grant.Item{Access: a})
			actions = append(actions, a.Action)
			own := strings.ReplaceAll(a.Resource, "*", "any")
			resources = append(resources, own, strings.ReplaceAll(own, "prod", "PROD"), strings.ReplaceAll(own, "prod", "prod2"),
				strings.ReplaceAll(own, "us-east-1", "eu-west-1"), strings.ReplaceAll(own, "123456789012", "210987654321"))
		}
		policy, err := grant.Compile(items, testEnv.Region, time.Now().Add(time.Hour))
		if errors.Is(err, grant.ErrNothingGrantable) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(resources)
		for i, change := range beyond.changes {
			tried := actions
			if i == 0 { // a changed context makes no foreign action allowed
				tried = append(foreign, actions...)
			}
			slices.Sort(tried)
			for _, action := range slices.Compact(slices.Clone(tried)) {
				for _, resource := range slices.Compact(slices.Clone(resources)) {
					asked++
					if !simulate(t, policy, action, resource, r.Accesses, change) {
						continue
					}
					allowed++
					if !decided(r.Accesses, action, resource, change) {
						t.Errorf("%s: %s on %s is lent with %v", s[0], action, resource, change)
					}
				}
			}
		}
	}
	if asked < 50_000 || allowed < 500 {
		t.Errorf("%d questions, %d allowed: too few to prove anything", asked, allowed)
	}
}

// simulate asks AWS's side whether the session may do it in the calls' own
// context with one change.
func simulate(t *testing.T, policy, action, resource string, accesses []authz.Access, change map[string]string) bool {
	t.Helper()
	single := map[string]string{"aws:RequestedRegion": testEnv.Region, "aws:CurrentTime": time.Now().UTC().Format(time.RFC3339)}
	multi := map[string][]string{}
	for _, a := range accesses {
		for key, value := range a.Context {
			if value.Multi {
				multi[key] = value.Values
			} else if key != "aws:RequestedRegion" {
				single[key] = value.Values[0]
			}
		}
	}
	for key, value := range change {
		switch {
		case key == "aws:TagKeys":
			multi[key] = append(slices.Clone(multi[key]), value)
		case value == "":
			delete(single, key)
		default:
			single[key] = value
		}
	}
	word, err := fakeaws.Simulate(fakeaws.Case{Identity: []string{everything}, Session: []string{policy}, Action: action, Resource: resource, Single: single, Multi: multi})
	if err != nil {
		t.Fatal(err)
	}
	return word == "allowed"
}

// decided reports whether one of the accesses is that action on that resource,
// and none of its own keys was changed.
func decided(accesses []authz.Access, action, resource string, change map[string]string) bool {
	return slices.ContainsFunc(accesses, func(a authz.Access) bool {
		if a.Action != action || !covers(a, resource) {
			return false
		}
		for key, value := range change {
			own, has := a.Context[key]
			switch {
			case key == "aws:RequestedRegion" && a.Global:
			case key == "ecs:cluster" && has && strings.Contains(a.Resource, "/"+path.Base(own.Values[0])): // the ARN names it
			case key == "aws:TagKeys" && (action != "ecs:TagResource" || has && slices.Contains(own.Values, value)):
			case strings.HasPrefix(key, "aws:RequestTag/") && action != "ecs:TagResource" && !has:
			case has && !own.Multi && own.Values[0] != value, !has && key == "aws:TagKeys":
				return false
			}
		}
		return true
	})
}

func covers(a authz.Access, resource string) bool {
	if a.Resource == "*" {
		return a.Unscopable
	}
	slashless := func(s string) string { return strings.ReplaceAll(s, "/", "|") }
	ok, err := path.Match(slashless(a.Resource), slashless(resource))
	return ok && err == nil
}
