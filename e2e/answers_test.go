//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// Configured as it must be for logs to be read (ALLOW_SENSITIVE_DATA), the server
// hides no values; otherwise only those that it describes, not those that it
// registers or deregisters.
func TestAnswersHoldNoValuesOfTheEnvironment(t *testing.T) {
	const value, secret = "canary-of-an-environment", "arn:aws:ssm:us-east-1:123456789012:parameter/canary-of-a-secret"
	definition := `{"family":"quiet","executionRoleArn":"${executionRole}","containerDefinitions":[{"name":"web","image":"${image}","memory":64,
		"environment":[{"name":"GREETING","value":"` + value + `"}],"secrets":[{"name":"TOKEN","valueFrom":"` + secret + `"}]}]}`
	steps := []struct{ operation, params string }{
		{"RegisterTaskDefinition", definition},
		{"DescribeTaskDefinition", `{"taskDefinition":"quiet:1"}`},
		{"DeregisterTaskDefinition", `{"taskDefinition":"quiet:1"}`},
	}
	bare := openServer(t)
	for _, step := range steps { // without the proxy, so that the test cannot pass for nothing
		step.params = strings.ReplaceAll(step.params, "quiet", "loud")
		c := bare.operate(t, step.operation, params(t, step.params, world.seed))
		if c.IsError || !strings.Contains(c.Text, value) {
			t.Errorf("%s without the proxy hides the value by itself: %.500s", step.operation, c.Text)
		}
	}
	s := open(t, deployment)
	for _, step := range steps {
		c := s.operate(t, step.operation, params(t, step.params, world.seed))
		if c.Decision.Phase != audit.PhaseDecision || c.IsError || !strings.Contains(c.Text, `"family":"quiet"`) || !strings.Contains(c.Text, "GREETING") {
			t.Fatalf("%s: (%s: %s) %.500s", step.operation, c.Decision.Class, c.Decision.Message, c.Text)
		}
		if c.Outcome.Redacted == 0 || !strings.Contains(c.Text, "[redacted by policy]") {
			t.Errorf("%s: %d values were redacted: %.500s", step.operation, c.Outcome.Redacted, c.Text)
		}
	}
	for place, content := range map[string]string{"what the client received": s.received.String(), "standard error": s.stderr.String(), "the audit log": string(read(t, s.audit))} {
		for _, canary := range []string{value, secret} {
			if strings.Contains(content, canary) {
				t.Errorf("%s is in %s", canary, place)
			}
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The role lacks what policy allows: the server tells the client in a result
// that counts as a success, and the record says what AWS said and what to do.
// AWS is the strict one here, since moto refuses nothing.
func TestWhatAWSRefusesIsOnRecord(t *testing.T) {
	strict := fakeaws.New(fakeaws.Config{})
	endpoint, err := strict.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { strict.Close() })
	key, err := strict.AddUser("proxy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:*"],"Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	role, err := strict.AddRole(fakeaws.Role{Name: "mcp-reader", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:Describe*","Resource":"*"}]}`}})
	if err != nil {
		t.Fatal(err)
	}
	strict.AddCluster("staging", map[string]string{"Environment": "staging"})

	dir := t.TempDir()
	config := reader.configure(t, dir)
	write(t, config, strings.NewReplacer(world.aws, endpoint, factsRole, "", reader.role(), role).Replace(string(read(t, config))))
	env := strings.NewReplacer(baseKey, key.ID, baseSecret, key.Secret, "AWS_SESSION_TOKEN="+baseToken, "AWS_SESSION_TOKEN=").Replace(strings.Join(proxyEnviron(dir), "\n"))
	s := &session{audit: filepath.Join(dir, "audit.jsonl")}
	if s.process, err = start(dir, strings.Split(env, "\n"), world.binary, "wrap", "--config", config); err != nil {
		t.Fatal(err)
	}
	closeAfter(t, s.process)
	s.connect(t)

	c := s.operate(t, "ListClusters", map[string]any{})
	if c.IsError || !strings.Contains(c.Text, "AccessDeniedException") {
		t.Fatalf("the server says %.500s", c.Text)
	}
	want := audit.AWSRefusal{Code: "AccessDeniedException", Operation: "ListClusters", Action: "ecs:ListClusters", Resource: "*",
		Session: c.Decision.Grant.SessionName, Policy: "identity-based policy"}
	if c.Outcome.Class != "aws-denied" || len(c.Outcome.AWS) != 1 || c.Outcome.AWS[0] != want {
		t.Errorf("outcome %+v", c.Outcome)
	}
	shows(t, s, c.Decision.DecisionID, "ecs:ListClusters")
	if c := s.operate(t, "DescribeClusters", map[string]any{"clusters": []string{"staging"}}); c.Outcome.Class != "answered" || !strings.Contains(c.Text, "cluster/staging") {
		t.Errorf("what the role allows: %+v, %.500s", c.Outcome, c.Text)
	}
}
