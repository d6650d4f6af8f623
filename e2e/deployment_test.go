//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
)

func TestDeploymentPersonaDeploysAndProductionStays(t *testing.T) {
	s := open(t, deployment)
	steps := []struct{ operation, params, want string }{
		{"CreateCluster", `{"clusterName":"rollout","tags":[{"key":"Environment","value":"staging"}]}`, "cluster/rollout"},
		{"RegisterTaskDefinition", `{"family":"rollout","executionRoleArn":"${executionRole}","containerDefinitions":[{"name":"web","image":"${image}","memory":64}]}`, "task-definition/rollout:1"},
		{"CreateService", `{"cluster":"rollout","serviceName":"web","taskDefinition":"rollout:1","desiredCount":1,"tags":[{"key":"Environment","value":"staging"}]}`, "service/rollout/web"},
		{"UpdateService", `{"cluster":"rollout","service":"web","desiredCount":3}`, `"desiredCount":3`},
		{"DeleteService", `{"cluster":"rollout","service":"web","force":true}`, `"status":"INACTIVE"`},
	}
	for _, step := range steps {
		c := s.operate(t, step.operation, params(t, step.params, world.seed))
		if c.Decision.Phase != audit.PhaseDecision || c.IsError || !strings.Contains(c.Text, step.want) {
			t.Fatalf("%s: want %s in the answer, got (%s: %s) %.300s", step.operation, step.want, c.Decision.Class, c.Decision.Message, c.Text)
		}
		signedByOwnGrant(t, step.operation, c)
		lentAsRecorded(t, step.operation, c)
	}

	c := s.operate(t, "DeleteService", map[string]any{"cluster": "production", "service": "web", "force": true})
	refused(t, "delete a service of production", c)
	if !strings.Contains(c.Decision.Message, "ProductionProtection") {
		t.Errorf("the record does not name the statement that refused: %s", c.Decision.Message)
	}
	if len(c.ByServer) > 0 {
		t.Errorf("the server asked AWS for %v although it was not called", c.ByServer)
	}
	shows(t, s, c.Decision.DecisionID, "ecs:DeleteService")

	still := s.operate(t, "DescribeServices", map[string]any{"cluster": "production", "services": []string{"web"}})
	if !strings.Contains(still.Text, `"status":"ACTIVE"`) || strings.Contains(still.Text, "INACTIVE") {
		t.Errorf("production's service is gone: %.300s", still.Text)
	}
	keepsSecrets(t, s)
}

// The tags that protect production are themselves protected: without that, two
// allowed calls would do what one may not.
func TestDeploymentPersonaCannotUntagProductionFirst(t *testing.T) {
	s := open(t, deployment)
	for _, call := range []struct{ operation, params string }{
		{"UntagResource", `{"resourceArn":"${productionService}","tagKeys":["Environment"]}`},
		{"TagResource", `{"resourceArn":"${productionService}","tags":[{"key":"Environment","value":"staging"}]}`},
		{"TagResource", `{"resourceArn":"${productionService}","tags":[{"key":"environment","value":"staging"}]}`},
	} {
		refused(t, call.operation, s.operate(t, call.operation, params(t, call.params, world.seed)))
	}
}

// Documents and boundary let this persona update any service. Action, resource
// and tags of the first two calls are the same, so only a guardrail, which reads
// the arguments, can tell them apart.
func TestGuardrailKeepsProductionRunningWhereIAMWouldLetItStop(t *testing.T) {
	s := open(t, deployment)
	scale := func(cluster string, count int) called {
		t.Helper()
		return s.operate(t, "UpdateService", map[string]any{"cluster": cluster, "service": "web", "desiredCount": count})
	}
	c := scale("production", 0)
	refused(t, "scale production to zero", c)
	if r := c.Decision.Result; r == nil || len(r.Denies) != 1 || r.Denies[0].Code != "production" ||
		slices.ContainsFunc(r.Accesses, func(a authz.AccessResult) bool { return a.Verdict != authz.Allowed }) {
		t.Errorf("want a refusal by guardrail production alone, and every access allowed, got %+v", r)
	}
	if !strings.Contains(c.Text, "guardrail production: ecs:UpdateService would scale down") {
		t.Errorf("the client is not told which guardrail refused: %s", c.Text)
	}
	if len(c.ByServer) > 0 {
		t.Errorf("the server asked AWS for %v although it was not called", c.ByServer)
	}
	shows(t, s, c.Decision.DecisionID, "ecs:UpdateService", "Production stays up")

	for _, step := range []struct {
		cluster string
		count   int
	}{{"production", 1}, {"staging", 0}, {"staging", 1}} { // the last puts back what other tests look at
		name := fmt.Sprintf("scale %s to %d", step.cluster, step.count)
		c := scale(step.cluster, step.count)
		if c.Decision.Phase != audit.PhaseDecision || c.IsError || !strings.Contains(c.Text, fmt.Sprintf(`"desiredCount":%d`, step.count)) {
			t.Errorf("%s: (%s: %s) %.300s", name, c.Decision.Class, c.Decision.Message, c.Text)
		}
		signedByOwnGrant(t, name, c)
		lentAsRecorded(t, name, c)
	}
}

// shows checks that the command a refused client is pointed to finds the
// decision, and says what it was about.
func shows(t *testing.T, s *session, id string, wants ...string) {
	t.Helper()
	for _, format := range []string{"", "--json=true"} {
		args := []string{"audit", "show", id, "--file", s.audit}
		if format != "" {
			args = append(args, format)
		}
		out, err := exec.Command(world.binary, args...).CombinedOutput()
		for _, want := range append(wants, id) {
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("audit show %s does not say %q: %v\n%s", format, want, err, out)
			}
		}
	}
}
