//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

func TestReaderSeesWhatThereIsAndChangesNothing(t *testing.T) {
	s := open(t, reader)
	reads := []struct {
		operation, params, want string
	}{
		{"ListClusters", `{}`, "cluster/staging"},
		{"DescribeClusters", `{"clusters":["staging","production"]}`, `"clusterName":"production"`},
		{"ListServices", `{"cluster":"staging"}`, "service/staging/web"},
		{"DescribeServices", `{"cluster":"staging","services":["web"],"include":["TAGS"]}`, `"serviceName":"web"`},
		{"ListTasks", `{"cluster":"staging"}`, "task/staging/"},
		{"DescribeTasks", `{"cluster":"staging","tasks":["${task}"]}`, `"lastStatus"`},
		{"DescribeTaskDefinition", `{"taskDefinition":"web:1"}`, `"family":"web"`},
		{"DescribeContainerInstances", `{"cluster":"staging","containerInstances":["${instance}"]}`, `"agentConnected"`},
		{"ListTagsForResource", `{"resourceArn":"${stagingService}"}`, `"staging"`},
	}
	for _, read := range reads {
		c := s.operate(t, read.operation, params(t, read.params, world.seed))
		if c.Decision.Phase != audit.PhaseDecision || c.IsError || !strings.Contains(c.Text, read.want) {
			t.Errorf("%s: want %s in the answer, got (%s %s) %.300s", read.operation, read.want, c.Decision.Class, c.Decision.Message, c.Text)
		}
		if len(c.ByServer) != 1 {
			t.Errorf("%s: %d AWS requests by the server, want 1", read.operation, len(c.ByServer))
		}
		signedByOwnGrant(t, read.operation, c)
		lentAsRecorded(t, read.operation, c)
	}

	writes := []struct{ operation, params string }{
		{"UpdateService", `{"cluster":"staging","service":"web","desiredCount":0}`},
		{"DeleteService", `{"cluster":"staging","service":"web","force":true}`},
		{"StopTask", `{"cluster":"staging","task":"${task}"}`},
		{"TagResource", `{"resourceArn":"${productionService}","tags":[{"key":"Environment","value":"staging"}]}`},
		{"ExecuteCommand", `{"cluster":"staging","task":"${task}","command":"id","interactive":true}`},
	}
	for _, write := range writes {
		c := s.operate(t, write.operation, params(t, write.params, world.seed))
		refused(t, write.operation, c)
		if len(c.ByServer)+len(c.ByProxy) > 0 {
			t.Errorf("%s: AWS was asked although nothing could allow it: %v %v", write.operation, c.ByServer, c.ByProxy)
		}
	}
	keepsSecrets(t, s)
}

func TestReaderIsShownOnlyToolsThatAreOfUseToIt(t *testing.T) {
	shown := open(t, reader).tools(t)
	all := openServer(t).tools(t)
	for name, tool := range shown {
		if all[name] == nil || all[name].Description != tool.Description {
			t.Errorf("%s is shown otherwise than the server describes it", name)
		}
	}
	for _, name := range []string{"delete_app", "build_and_push_image_to_ecr", "validate_ecs_express_mode_prerequisites"} {
		if shown[name] != nil || all[name] == nil {
			t.Errorf("%s must be the server's and hidden; shown are %v", name, slices.Sorted(maps.Keys(shown)))
		}
	}
	if shown["ecs_resource_management"] == nil {
		t.Error("ecs_resource_management is hidden from a reader")
	}
}

// refused checks a decided deny: a tool result that names its decision, and
// nothing lent.
func refused(t *testing.T, name string, c called) {
	t.Helper()
	if c.Decision.Phase != audit.PhaseRefusal || c.Decision.Class != "policy" {
		t.Errorf("%s: recorded as %s (%s), want a refusal by policy", name, c.Decision.Phase, c.Decision.Class)
	}
	if !c.IsError || c.Decision.DecisionID == "" || !strings.Contains(c.Text, c.Decision.DecisionID) {
		t.Errorf("%s: want a tool error that names decision %s, got %q", name, c.Decision.DecisionID, c.Text)
	}
	if c.Decision.Grant != nil {
		t.Errorf("%s: a grant was lent for a refusal", name)
	}
}

// lentAsRecorded checks the AssumeRole request against the record of it.
func lentAsRecorded(t *testing.T, name string, c called) {
	t.Helper()
	assumed, err := Assumptions(c.ByProxy)
	if err != nil {
		t.Fatal(err)
	}
	if c.Decision.Grant == nil {
		t.Errorf("%s: nothing was lent", name)
		return
	}
	if c.Decision.Grant.Reused {
		return
	}
	assumed = slices.DeleteFunc(assumed, func(a Assumption) bool { return a.Role == factsRole })
	if len(assumed) != 1 {
		t.Errorf("%s: %d sessions were asked for, want 1", name, len(assumed))
		return
	}
	a, g := assumed[0], c.Decision.Grant
	if a.AccessKeyID != g.AccessKeyID || a.Policy == "" || a.Policy != g.SessionPolicy || a.SessionName != g.SessionName || a.Role != g.Role {
		t.Errorf("%s: AWS was asked for %s as %s with %d bytes of policy, the record says otherwise", name, a.Role, a.SessionName, len(a.Policy))
	}
	if a.SourceIdentity == "" || a.Tags["persona"] != c.Decision.Persona || !strings.Contains(a.SessionName, c.Decision.DecisionID) {
		t.Errorf("%s: the session does not say whose it is: source identity %q, tags %v, name %q", name, a.SourceIdentity, a.Tags, a.SessionName)
	}
}

// keepsSecrets checks that no secret reached the server's environment, the
// client, the log or the record, all while the server still runs.
func keepsSecrets(t *testing.T, s *session) {
	t.Helper()
	record, err := os.ReadFile(s.audit)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"what the client sent": s.sent.String(), "what the client received": s.received.String(),
		"standard error": s.stderr.String(), "the audit log": string(record)}
	servers := 0
	for _, pid := range descendants(s.cmd.Process.Pid) {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			t.Errorf("read environment of %s: %v", commandLine(pid), err)
		}
		if strings.Contains(commandLine(pid), "python") {
			servers++
		}
		places["the environment and arguments of "+commandLine(pid)] = string(environ) + commandLine(pid)
	}
	if servers != 1 {
		t.Errorf("%d server processes below the proxy, want 1", servers)
	}
	secrets := world.secrets(t)
	if len(secrets) < 3 {
		t.Fatal("nothing was lent: there is no secret to look for")
	}
	for place, content := range places {
		for _, secret := range secrets {
			if strings.Contains(content, secret) {
				t.Errorf("a secret (%s…) is in %s", secret[:6], place)
			}
		}
	}
}
