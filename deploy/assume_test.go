package deploy_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// deployed is a strict AWS with the roles of the template.
type deployed struct {
	*fakeaws.AWS
	t        *testing.T
	endpoint string
	runtime  fakeaws.Key // stands for the task's agent: whoever has it becomes the proxy
	proxy    string      // ARN
}

func deploy(t *testing.T, made roles) *deployed {
	t.Helper()
	d := &deployed{AWS: fakeaws.New(fakeaws.Config{Region: region}), t: t}
	var err error
	if d.endpoint, err = d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if d.runtime, err = d.AddUser("runtime", everything); err != nil {
		t.Fatal(err)
	}
	if d.proxy, err = d.AddRole(fakeaws.Role{Name: made.proxy.name, Identity: []string{made.proxy.policy}}); err != nil {
		t.Fatal(err)
	}
	if _, err = d.AddRole(fakeaws.Role{Name: "bystander", Identity: []string{everything}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range made.personas {
		if _, err := d.AddRole(fakeaws.Role{Name: r.name, Identity: []string{r.policy}, Boundary: made.boundary, Trust: r.trust}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *deployed) config(id, secret, token string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: &d.endpoint, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider(id, secret, token)}
}

// session is one of a role, as the task's agent gets it.
func (d *deployed) session(role string) *types.Credentials {
	d.t.Helper()
	out, err := sts.NewFromConfig(d.config(d.runtime.ID, d.runtime.Secret, "")).AssumeRole(d.t.Context(),
		&sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("base"), Policy: aws.String(everything)})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.Credentials
}

// as returns STS as a session of the role sees it.
func (d *deployed) as(role string) *sts.Client {
	d.t.Helper()
	c := d.session(role)
	return sts.NewFromConfig(d.config(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
}

// The proxy's own code gets a grant of every persona's role, by the trust
// policies as they are deployed.
func TestTheProxyCanLendEveryPersona(t *testing.T) {
	made := fromCloudFormation(t, "ecs", "")
	d := deploy(t, made)
	broker := grant.NewBroker(d.as(d.proxy))
	for name, r := range made.personas {
		g, err := broker.Mint(t.Context(), grant.Order{
			DecisionID: "evojzp4iusk4ul2dtuwy", Role: "arn:aws:iam::" + account + ":role/" + r.name, Region: region,
			SourceIdentity: grant.SourceIdentity("os-user", "alice"), Tags: map[string]string{"persona": name, "server": "awslabs.ecs-mcp-server", "tool": "t"},
			Items: []grant.Item{{Access: authz.Access{Action: "ecs:DescribeServices", Resource: "arn:aws:ecs:" + region + ":" + account + ":service/shop/checkout",
				Context: map[string]authz.Value{"aws:RequestedRegion": authz.One(region)}}}},
			Deadline: time.Now().Add(time.Minute),
		})
		if err != nil || g.Role == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, v := range d.Violations() {
		t.Error(v)
	}
}

func TestWhoMayNotAssumeAPersonasRole(t *testing.T) {
	role := "arn:aws:iam::" + account + ":role/ecs-mcp-troubleshooting"
	good := func() *sts.AssumeRoleInput {
		return &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("ecsmcp-evojzp4iusk4ul2dtuwy"), SourceIdentity: aws.String("alice-0123456789ab"),
			Policy: aws.String(everything), Tags: []types.Tag{{Key: aws.String("persona"), Value: aws.String("troubleshooting")}}}
	}
	cases := []struct {
		name       string
		externalID string // that the role demands
		who        string // the proxy if empty
		change     func(*sts.AssumeRoleInput)
		allowed    bool
	}{
		{"the proxy, as it does", "", "", func(*sts.AssumeRoleInput) {}, true},
		{"without a source identity", "", "", func(in *sts.AssumeRoleInput) { in.SourceIdentity = nil }, false},
		{"without tags", "", "", func(in *sts.AssumeRoleInput) { in.Tags = nil }, false},
		{"with the tag of another persona", "", "", func(in *sts.AssumeRoleInput) { in.Tags[0].Value = aws.String("deployment") }, false},
		{"with a tag of another name", "", "", func(in *sts.AssumeRoleInput) { in.Tags[0].Key = aws.String("team") }, false},
		{"with a session that names no decision", "", "", func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("admin") }, false},
		{"another role that may do everything", "", "bystander", func(*sts.AssumeRoleInput) {}, false},
		{"a persona's own session", "", "ecs-mcp-troubleshooting", func(*sts.AssumeRoleInput) {}, false},
		{"without the external id", "ticket-7", "", func(*sts.AssumeRoleInput) {}, false},
		{"with another external id", "ticket-7", "", func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("ticket-8") }, false},
		{"with the external id", "ticket-7", "", func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("ticket-7") }, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			d := deploy(t, fromTerraform(t, "ecs", tc.externalID))
			client := d.as(d.proxy)
			switch tc.who {
			case "bystander":
				client = d.as("arn:aws:iam::" + account + ":role/bystander")
			case "ecs-mcp-troubleshooting":
				out, err := client.AssumeRole(t.Context(), good())
				if err != nil {
					t.Fatal(err)
				}
				c := out.Credentials
				client = sts.NewFromConfig(d.config(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
			}
			in := good()
			tc.change(in)
			_, err := client.AssumeRole(t.Context(), in)
			if tc.allowed {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if api := smithy.APIError(nil); !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" {
				t.Errorf("got %v, want AccessDenied", err)
			}
		})
	}
}

// The user that runs the proxy's task has every right and no trust.
func TestAnAdministratorIsNoProxy(t *testing.T) {
	d := deploy(t, fromCloudFormation(t, "ecs", ""))
	in := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/ecs-mcp-deployment"), RoleSessionName: aws.String("ecsmcp-x"),
		SourceIdentity: aws.String("root"), Tags: []types.Tag{{Key: aws.String("persona"), Value: aws.String("deployment")}}}
	if _, err := sts.NewFromConfig(d.config(d.runtime.ID, d.runtime.Secret, "")).AssumeRole(t.Context(), in); err == nil {
		t.Error("assumed")
	}
}

// The proxy itself can look at tags in its region, and change nothing.
func TestTheProxyItselfCanOnlyLookUpTags(t *testing.T) {
	d := deploy(t, fromCloudFormation(t, "ecs", ""))
	d.AddCluster("shop", map[string]string{"Environment": "production"})
	base := d.session(d.proxy)
	c := d.config(*base.AccessKeyId, *base.SecretAccessKey, *base.SessionToken)
	if _, err := ecs.NewFromConfig(c).DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"shop"}}); err != nil {
		t.Error(err)
	}
	if _, err := ecs.NewFromConfig(c).DeleteCluster(t.Context(), &ecs.DeleteClusterInput{Cluster: aws.String("shop")}); err == nil {
		t.Error("deleted a cluster")
	}
	c.Region = "us-east-1"
	if _, err := ecs.NewFromConfig(c).DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"shop"}}); err == nil {
		t.Error("looked into another region")
	}
}
