package demo

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// What the account holds.
const (
	region            = "us-east-1"
	stagingCluster    = "shop-staging"
	stagingService    = "checkout"
	productionCluster = "shop-production"
	productionService = "checkout"
)

// roleIdentity is what the demo's roles may do by themselves: far more than any
// call should. What bounds a call is the session policy.
const roleIdentity = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecs:*","iam:PassRole"],"Resource":"*"}]}`

// roleBoundary limits the roles at AWS as well, whatever the proxy decides.
const roleBoundary = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
	{"Sid":"RegionRestriction","Effect":"Deny","Action":"ecs:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}]}`

// proxyIdentity is all that the proxy's own user needs.
const proxyIdentity = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"arn:aws:iam::*:role/mcp-*"},
	{"Effect":"Allow","Action":["ecs:DescribeClusters","ecs:DescribeServices","ecs:DescribeTasks","ecs:DescribeTaskDefinition"],"Resource":"*"}]}`

// world is the AWS account, the base credentials and the place for files.
type world struct {
	aws      *fakeaws.AWS
	endpoint string
	key      fakeaws.Key
	dir      string
	roles    map[string]string // persona: role ARN
}

// newWorld returns the account, served on a port of its own, and a place for files.
func newWorld() (_ *world, err error) {
	w, err := newAccount()
	if err != nil {
		return nil, err
	}
	if w.endpoint, err = w.aws.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.dir, err = os.MkdirTemp("", "ecs-mcp-proxy-demo-"); err != nil {
		return nil, fmt.Errorf("make a place for the demo's files: %w", err)
	}
	return w, nil
}

// newAccount returns the account alone, not served yet.
func newAccount() (_ *world, err error) {
	w := &world{aws: fakeaws.New(fakeaws.Config{Region: region}), roles: map[string]string{}}
	if w.key, err = w.aws.AddUser("ecs-mcp-proxy", proxyIdentity); err != nil {
		return nil, err
	}
	for _, persona := range []string{"reader", "deployer"} {
		arn, err := w.aws.AddRole(fakeaws.Role{Name: "mcp-" + persona, Identity: []string{roleIdentity}, Boundary: roleBoundary})
		if err != nil {
			return nil, err
		}
		w.roles[persona] = arn
	}
	w.aws.AddCluster(stagingCluster, map[string]string{"Environment": "staging"})
	w.aws.AddCluster(productionCluster, map[string]string{"Environment": "production"})
	w.aws.AddService(stagingCluster, stagingService, map[string]string{"Environment": "staging"})
	w.aws.AddService(productionCluster, productionService, map[string]string{"Environment": "production"})
	return w, nil
}

func (w *world) close() {
	w.aws.Close()
	if w.dir != "" {
		os.RemoveAll(w.dir)
	}
}

// lane says how one proxy of the story is configured.
type laneOptions struct {
	persona string
	region  string
	rogue   bool
}

func (w *world) auditFile() string { return filepath.Join(w.dir, "audit.jsonl") }

// configure writes the configuration of one proxy and returns its path. It is
// the file a user would write.
func (w *world) configure(o laneOptions, self string) (string, error) {
	identity := map[string]string{"reader": "read-only-monitoring", "deployer": "deployment"}[o.persona]
	c := map[string]any{
		"version": 1,
		"aws":     map[string]any{"region": o.region, "endpoint": w.endpoint},
		"upstream": map[string]any{"server": config.DefaultServer,
			"command": []string{self, ServerVerb}},
		"personas": map[string]any{o.persona: map[string]any{"identity": []string{identity},
			"boundary": []string{"region-and-production"}, "role": w.roles[o.persona], "values": map[string]string{"region": region}}},
		"principals": []any{map[string]any{"match": map[string]string{"kind": "os-user"}, "persona": o.persona}},
		"audit":      map[string]string{"file": w.auditFile()},
	}
	if o.rogue {
		c["upstream"].(map[string]any)["env"] = map[string]string{rogueVariable: stagingCluster}
	}
	b, err := yaml.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	path := filepath.Join(w.dir, fmt.Sprintf("%s-%s-%t.yaml", o.persona, o.region, o.rogue))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	return path, nil
}

// environ is the proxy's environment: the caller's own without anything of
// AWS, and the base credentials of the demo's account.
func (w *world) environ() []string {
	env := []string{"AWS_ACCESS_KEY_ID=" + w.key.ID, "AWS_SECRET_ACCESS_KEY=" + w.key.Secret,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// ServerVerb is the hidden verb under which the binary is the embedded server.
const ServerVerb = "demo-server"
