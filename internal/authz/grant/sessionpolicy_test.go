package grant

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

var update = flag.Bool("update", false, "rewrite golden files")

const region = "us-east-1"

var until = time.Date(2026, 11, 24, 12, 0, 30, 0, time.UTC)

func access(action, resource string) authz.Access {
	return authz.Access{Action: action, Resource: resource, Unscopable: resource == "*", Context: map[string]authz.Value{}}
}

func service(name string) string {
	return "arn:aws:ecs:us-east-1:123456789012:service/shop/" + name
}

func TestCompileWritesExactlyWhatWasDecided(t *testing.T) {
	cluster := authz.One("arn:aws:ecs:us-east-1:123456789012:cluster/shop")
	withCluster := func(a authz.Access) authz.Access { a.Context["ecs:cluster"] = cluster; return a }
	taggable := func(a authz.Access) authz.Access { a.Taggable = true; return a }
	about := func(a authz.Access) authz.Access {
		a.Subject = "arn:aws:ecs:us-east-1:123456789012:container-instance/shop/1a"
		a.Context[authz.SubjectTag+"Environment"] = authz.One("staging")
		return a
	}
	passRole := access("iam:PassRole", "arn:aws:iam::123456789012:role/task")
	passRole.Global = true
	passRole.Context["iam:PassedToService"] = authz.One("ecs-tasks.amazonaws.com")
	tagging := access("ecs:TagResource", service("checkout"))
	tagging.Context["aws:RequestTag/Team"] = authz.One("a${b}")
	tagging.Context["aws:TagKeys"] = authz.Many("Team", "Owner")
	tests := []struct {
		name  string
		items []Item
	}{
		{"a read of two services", []Item{{Access: access("ecs:DescribeServices", service("b"))}, {Access: access("ecs:DescribeServices", service("a"))}}},
		{"different resources for different actions are not crossed", []Item{{Access: access("ecs:DescribeServices", service("a"))}, {Access: access("ecs:UpdateService", service("b"))}}},
		{"an unscopable action with its cluster", []Item{{Access: withCluster(access("ecs:ListServices", "*"))}}},
		{"a service ARN names its cluster already", []Item{{Access: withCluster(access("ecs:UpdateService", service("a")))}}},
		{"a task definition does not name the cluster", []Item{{Access: withCluster(access("ecs:RunTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1"))}}},
		{"a seen tag and an absent one are pinned", []Item{{Access: taggable(access("ecs:DeleteService", service("a"))),
			Pins: []Pin{{Key: "aws:ResourceTag/Environment", Value: "staging"}, {Key: "aws:ResourceTag/Team", Absent: true}}}}},
		{"an action that carries no tags is not pinned", []Item{{Access: access("ecs:DeregisterTaskDefinition", "*"), Pins: []Pin{{Key: "aws:ResourceTag/Environment", Value: "staging"}}}}},
		{"what only the proxy knows is never sent", []Item{{Access: about(taggable(access("ecs:DeregisterContainerInstance", "arn:aws:ecs:us-east-1:123456789012:cluster/shop"))),
			Pins: []Pin{{Key: "ecs-mcp-proxy:SubjectTag/Environment", Value: "staging"}, {Key: "ECS-MCP-Proxy:SubjectTag/Team", Absent: true}, {Key: "aws:ResourceTag/Environment", Value: "staging"}}}}},
		{"passing a role stands apart, without a region", []Item{{Access: passRole}, {Access: access("ecs:CreateService", service("a"))}}},
		{"requested tags bound the request, variables are literal", []Item{{Access: tagging}}},
		{"a pseudo-access is left out", []Item{{Access: access("mcp:CallTool", "arn:x")}, {Access: access("ecs:ListClusters", "*")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Compile(tt.items, region, until)
			if err != nil {
				t.Fatal(err)
			}
			var pretty any
			if err := json.Unmarshal([]byte(got), &pretty); err != nil {
				t.Fatal(err)
			}
			b, err := json.MarshalIndent(pretty, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.ReplaceAll(tt.name, " ", "_")+".json", append(b, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; run with -update and review\n%s", path, got)
	}
}

func TestCompileRefusesWhatWouldWiden(t *testing.T) {
	tests := []struct {
		name   string
		access authz.Access
		want   string
	}{
		{"a wildcard action", access("ecs:*", service("a")), "not one action"},
		{"an action without a service", access("Delete", service("a")), "not one action"},
		{"an empty resource", access("ecs:DeleteService", ""), "empty"},
		{"a policy variable in a resource", access("ecs:DeleteService", service("${aws:username}")), "not an ARN"},
		{"everything, for an action that can be scoped", authz.Access{Action: "ecs:DeleteService", Resource: "*"}, "can be limited"},
		{"a role passed to anyone", access("iam:PassRole", "arn:aws:iam::123456789012:role/x"), "without iam:PassedToService"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Compile([]Item{{Access: tt.access}}, region, until)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q and error %v, want one that says %q", got, err, tt.want)
			}
		})
	}
	if _, err := Compile(nil, region, until); !errors.Is(err, ErrNothingGrantable) {
		t.Errorf("no accesses: %v", err)
	}
	if _, err := Compile([]Item{{Access: access("mcp:CallTool", "x")}}, region, until); !errors.Is(err, ErrNothingGrantable) {
		t.Errorf("only pseudo-accesses: %v", err)
	}
	if _, err := Compile([]Item{{Access: access("ecs:ListClusters", "*")}}, "", until); err == nil {
		t.Error("no region: compiled")
	}
}

func TestCompileSaysHowManyFit(t *testing.T) {
	var items []Item
	for i := range 60 {
		items = append(items, Item{Access: access("ecs:DescribeServices", service(fmt.Sprintf("service-%03d", i)))})
	}
	_, err := Compile(items, region, until)
	if !errors.Is(err, ErrPolicySize) {
		t.Fatalf("err = %v, want ErrPolicySize", err)
	}
	var need, takes, fit int
	if _, scanErr := fmt.Sscanf(err.Error(), "session policy too large: 60 accesses need %d characters and AWS takes %d; the first %d fit", &need, &takes, &fit); scanErr != nil {
		t.Fatalf("%v: %v", err, scanErr)
	}
	if _, err := Compile(items[:fit], region, until); err != nil {
		t.Errorf("the first %d were said to fit: %v", fit, err)
	}
	if _, err := Compile(items[:fit+1], region, until); err == nil {
		t.Errorf("%d fit too", fit+1)
	}
}

// Whatever is decided, the policy allows each decided pair and no other pair
// of the same actions and resources.
func TestCompileAllowsThePairsAndNothingElse(t *testing.T) {
	actions := []string{"ecs:DescribeServices", "ecs:UpdateService", "ecs:DeleteService"}
	names := []string{service("a"), service("b"), service("c")}
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]bool{}
		var items []Item
		for range rapid.IntRange(1, 9).Draw(t, "n") {
			a := access(rapid.SampledFrom(actions).Draw(t, "action"), rapid.SampledFrom(names).Draw(t, "resource"))
			want[a.Action+" "+a.Resource] = true
			items = append(items, Item{Access: a})
		}
		text, err := Compile(items, region, until)
		if err != nil {
			t.Fatal(err)
		}
		var policy struct {
			Statement []struct {
				Effect           string
				Action, Resource any
				Condition        map[string]map[string]any
			}
		}
		if err := json.Unmarshal([]byte(text), &policy); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, s := range policy.Statement {
			if s.Effect != "Allow" {
				continue
			}
			if s.Condition["StringEquals"]["aws:RequestedRegion"] != region {
				t.Fatalf("an Allow without its region: %v", s)
			}
			for _, a := range list(s.Action) {
				for _, r := range list(s.Resource) {
					got[a+" "+r] = true
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("allows %v, want %v", got, want)
		}
		last := policy.Statement[len(policy.Statement)-1]
		if last.Effect != "Deny" || last.Action != "*" || last.Resource != "*" || last.Condition["DateGreaterThan"]["aws:CurrentTime"] != "2026-11-24T12:00:30Z" {
			t.Fatalf("the time-out is %v", last)
		}
		shuffled := slices.Clone(items)
		slices.Reverse(shuffled)
		if again, err := Compile(shuffled, region, until); err != nil || again != text {
			t.Fatal("another order gives other bytes")
		}
	})
}

func list(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	var out []string
	for _, e := range v.([]any) {
		out = append(out, e.(string))
	}
	return out
}
