package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

func TestDecideOneAccess(t *testing.T) {
	e := builtinEngine(t)
	tests := map[string]struct {
		persona   string
		access    authz.Access
		verdict   authz.Verdict
		layer     string
		statement string
		needs     []string
		possible  bool
	}{
		"a production service is not deleted": {
			persona: "deployment", access: deleteService(in("us-east-1", "aws:ResourceTag/Environment", "production")),
			verdict: authz.ExplicitDeny, layer: "boundary", statement: "region-and-production/ProductionProtection",
		},
		"a staging service is deleted": {
			persona: "deployment", access: deleteService(in("us-east-1", "aws:ResourceTag/Environment", "staging")),
			verdict: authz.Allowed, layer: "identity", statement: "deployment/ECSFullAccess", possible: true,
		},
		"a service without tags is deleted": {
			persona: "deployment", access: deleteService(in("us-east-1")),
			verdict: authz.Allowed, layer: "identity", statement: "deployment/ECSFullAccess", possible: true,
		},
		"a service whose tags are unknown is not deleted, but might be": {
			persona: "deployment", access: deleteService(in("us-east-1"), "aws:ResourceTag/*", "aws:SourceIp"),
			verdict: authz.ExplicitDeny, layer: "boundary", statement: "region-and-production/ProductionProtection",
			needs: []string{"aws:ResourceTag/Environment"}, possible: true,
		},
		"to a reader its tags do not matter": {
			persona: "read-only-monitoring", access: deleteService(in("us-east-1"), "aws:ResourceTag/*"),
			verdict: authz.ExplicitDeny, layer: "boundary", statement: "region-and-production/ProductionProtection",
		},
		"another region is denied whatever the tags": {
			persona: "deployment", access: deleteService(in("us-west-2"), "aws:ResourceTag/*"),
			verdict: authz.ExplicitDeny, layer: "boundary", statement: "region-and-production/RegionRestriction",
		},
		"a region that is not said is denied": {
			persona: "deployment", access: deleteService(map[string]authz.Value{}),
			verdict: authz.ExplicitDeny, layer: "boundary", statement: "region-and-production/RegionRestriction",
		},
		"a task role is passed to tasks": {
			persona: "deployment", access: passRole("ecs-tasks.amazonaws.com"),
			verdict: authz.Allowed, layer: "identity", statement: "deployment/IAMPassRole", possible: true,
		},
		"a task role is not passed to EC2": {
			persona: "deployment", access: passRole("ec2.amazonaws.com"),
			verdict: authz.ImplicitDeny, layer: "identity",
		},
		"a reader changes nothing": {
			persona: "read-only-monitoring", access: authz.Access{Action: "ecs:UpdateService", Resource: service, Context: in("us-east-1")},
			verdict: authz.ImplicitDeny, layer: "identity",
		},
		"documentation touches no AWS API": {
			persona: "read-only-monitoring", access: tool("awslabs.ecs-mcp-server/tool/aws_knowledge_aws___recommend"),
			verdict: authz.Allowed, layer: "mcp", statement: "default/GuidanceAndDocumentation", possible: true,
		},
		"a tool that nobody listed is denied": {
			persona: "deployment", access: tool("awslabs.ecs-mcp-server/tool/other"),
			verdict: authz.ImplicitDeny, layer: "mcp",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := e.Decide(t.Context(), request(tt.persona, tt.access))
			if err != nil {
				t.Fatal(err)
			}
			a := d.Accesses[0]
			if a.Verdict != tt.verdict || a.Layer != tt.layer || a.Possible != tt.possible || !slices.Equal(a.Needs, tt.needs) {
				t.Errorf("got %+v", a)
			}
			if d.Allow != (tt.verdict == authz.Allowed) || d.Allow && len(d.Denies) > 0 || d.Revision != e.Revision() {
				t.Errorf("decision %+v does not follow from its access", d)
			}
			if tt.statement != "" && !slices.Contains(a.Statements, tt.statement) {
				t.Errorf("statements %q, want %q among them", a.Statements, tt.statement)
			}
		})
	}
}

func TestDecideManyAccesses(t *testing.T) {
	e := builtinEngine(t)
	list := authz.Access{Action: "ecs:ListClusters", Resource: "*", Context: in("us-east-1"), Unscopable: true}
	update := authz.Access{Action: "ecs:UpdateService", Resource: service, Context: in("us-east-1")}
	optional := update
	optional.Optional = true
	tests := map[string]struct {
		persona  string
		accesses []authz.Access
		allow    bool
		denies   []string
	}{
		"all allowed":                        {"read-only-monitoring", []authz.Access{list, list}, true, nil},
		"one refused":                        {"read-only-monitoring", []authz.Access{list, update}, false, nil},
		"an optional one refused":            {"read-only-monitoring", []authz.Access{optional, list}, true, nil},
		"nothing but a refused optional one": {"read-only-monitoring", []authz.Access{optional}, false, nil},
		"an optional one allowed":            {"deployment", []authz.Access{optional}, true, nil},
		"none at all":                        {"deployment", nil, false, []string{"no_access"}},
		"nobody's":                           {"", []authz.Access{list}, false, []string{"no_persona"}},
		"a stranger's":                       {"stranger", []authz.Access{list}, false, []string{"no_persona"}},
		"nobody's and none":                  {"", nil, false, []string{"no_access", "no_persona"}},
		"a guardrail's": {"deployment", []authz.Access{{Action: "ecs:UntagResource", Resource: service,
			Context: map[string]authz.Value{"aws:RequestedRegion": authz.One("us-east-1"), "aws:TagKeys": authz.Many("Environment")}}},
			false, []string{"tag_escalation"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := request(tt.persona, tt.accesses...)
			r.Call.Write = true
			d, err := e.Decide(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			var codes []string
			for _, reason := range d.Denies {
				codes = append(codes, reason.Code)
				if reason.Title == "" || reason.Message == "" || reason.Remedy == "" {
					t.Errorf("reason %+v is not whole", reason)
				}
			}
			if d.Allow != tt.allow || !slices.Equal(codes, tt.denies) || len(d.Accesses) != len(tt.accesses) {
				t.Errorf("got %+v", d)
			}
			if granted := d.Granted(r); (len(granted) > 0) != tt.allow {
				t.Errorf("granted %v", granted)
			}
		})
	}
}

func TestDecideRefusesAMalformedRequest(t *testing.T) {
	e := builtinEngine(t)
	tests := map[string]authz.Access{
		"a single-valued key without a value": {Action: "ecs:ListClusters", Resource: "*", Context: map[string]authz.Value{"aws:RequestedRegion": {}}},
		"one key in two spellings":            {Action: "ecs:ListClusters", Resource: "*", Context: map[string]authz.Value{"aws:requestedregion": authz.One("a"), "aws:RequestedRegion": authz.One("b")}},
		"an action without a service":         {Action: "ListClusters", Resource: "*", Context: in("us-east-1")},
	}
	for name, access := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := e.Decide(t.Context(), request("deployment", access))
			if d.Allow || !errors.Is(err, ErrPolicy) {
				t.Errorf("got %+v, %v", d, err)
			}
		})
	}
}

func TestDecideStopsWhenTheCallIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the client went away")
	cancel(why)
	d, err := builtinEngine(t).Decide(ctx, request("deployment", deleteService(in("us-east-1"))))
	if d.Allow || !errors.Is(err, why) {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestDecideIsSafeForConcurrentUse(t *testing.T) {
	e := builtinEngine(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			want := i%2 == 0
			environment := map[bool]string{true: "staging", false: "production"}[want]
			for range 10 {
				d, err := e.Decide(t.Context(), request("deployment", deleteService(in("us-east-1", "aws:ResourceTag/Environment", environment))))
				if err != nil || d.Allow != want {
					t.Errorf("%s: got %+v, %v", environment, d, err)
				}
			}
		})
	}
	group.Wait()
}

func TestVisible(t *testing.T) {
	e := builtinEngine(t)
	actions := []string{"ecs:UpdateService", "ecs:DescribeServices", "ecs:DescribeServices", "logs:GetLogEvents", "mcp:CallTool"}
	tests := map[string][]string{
		"read-only-monitoring": {"ecs:DescribeServices", "mcp:CallTool"},
		"troubleshooting":      {"ecs:DescribeServices", "logs:GetLogEvents", "mcp:CallTool"},
		"deployment":           {"ecs:DescribeServices", "ecs:UpdateService", "mcp:CallTool"},
		"stranger":             {},
	}
	for persona, want := range tests {
		t.Run(persona, func(t *testing.T) {
			got, err := e.Visible(t.Context(), persona, actions)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

// The accesses differ: OPA remembers what it evaluated for equal ones.
func BenchmarkDecide(b *testing.B) {
	e := builtinEngine(b)
	var accesses []authz.Access
	for i := range 20 {
		a := deleteService(in("us-east-1"), "aws:ResourceTag/*", "aws:SourceIp")
		a.Resource += fmt.Sprint(i)
		accesses = append(accesses, a)
	}
	for _, n := range []int{1, 5, 20} {
		r := request("deployment", accesses[:n]...)
		b.Run(fmt.Sprint("accesses=", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := e.Decide(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
