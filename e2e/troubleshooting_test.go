//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

func TestTroubleshootingPersonaRunsAllActions(t *testing.T) {
	s := open(t, troubleshooting)
	calls := []struct{ action, parameters, want string }{
		{"get_ecs_troubleshooting_guidance", `{"ecs_cluster_name":"staging","ecs_service_name":"web"}`, "Found 1 service(s), 1 task definition(s), 1 load balancer(s)"},
		{"fetch_cloudformation_status", `{"cfn_stack_name":"web-stack"}`, `"stack_exists":true`},
		{"fetch_service_events", `{"ecs_cluster_name":"staging","ecs_service_name":"web"}`, `"service_exists":true`},
		{"fetch_task_failures", `{"ecs_cluster_name":"staging"}`, `"cluster_exists":true`},
		{"fetch_task_logs", `{"ecs_cluster_name":"staging"}`, "ERROR from /ecs/staging"},
		{"detect_image_pull_failures", `{"ecs_cluster_name":"staging","ecs_service_name":"web"}`, "appear to be valid and accessible"},
		{"fetch_network_configuration", `{"ecs_cluster_name":"staging","vpc_id":"${vpc}"}`, `"${vpc}"`},
	}
	var ran []string
	for _, call := range calls {
		c := s.call(t, troubleshoot, map[string]any{"action": call.action, "parameters": params(t, call.parameters, world.seed)})
		ran = append(ran, call.action)
		want := strings.ReplaceAll(call.want, "${vpc}", world.seed["vpc"])
		if c.Decision.Phase != audit.PhaseDecision || c.IsError || !strings.Contains(c.Text, want) {
			t.Errorf("%s: want %q in the answer, got (%s: %s) %.300s", call.action, want, c.Decision.Class, c.Decision.Message, c.Text)
			continue
		}
		signedByOwnGrant(t, call.action, c)
		lentAsRecorded(t, call.action, c)
	}
	slices.Sort(ran)
	same(t, "action", introspect(t).Actions, ran)
	keepsSecrets(t, s)
}

// The server searches log groups by the prefix /ecs/CLUSTER and reads those of
// any other cluster whose name begins alike. It cannot be told not to, but what
// it is lent must not reach them.
func TestTaskLogsAreLentForTheClusterAloneNotItsNamesake(t *testing.T) {
	s := open(t, troubleshooting)
	c := s.call(t, troubleshoot, map[string]any{"action": "fetch_task_logs", "parameters": map[string]any{"ecs_cluster_name": "staging"}})
	if c.Decision.Grant == nil {
		t.Fatalf("nothing was lent: %s", c.Decision.Message)
	}
	asked := slices.ContainsFunc(c.ByServer, func(r Request) bool { return r.Parameter("logGroupName") == "/ecs/staging-other" })
	if !asked {
		t.Error("the server no longer asks for the namesake's logs: the reason for this test is gone")
	}
	for _, a := range c.Decision.Input.Accesses {
		if a.Action != "logs:GetLogEvents" && a.Action != "logs:DescribeLogStreams" {
			continue
		}
		_, group, _ := strings.Cut(a.Resource, ":log-group:")
		if group != "/ecs/staging" && !strings.HasPrefix(group, "/ecs/staging:") && !strings.HasPrefix(group, "/ecs/staging/") {
			t.Errorf("%s was lent on %s, which reaches beyond /ecs/staging", a.Action, a.Resource)
		}
	}
	if !strings.Contains(c.Decision.Grant.SessionPolicy, ":log-group:/ecs/staging") {
		t.Errorf("the session policy does not name the log group: %s", c.Decision.Grant.SessionPolicy)
	}
}
