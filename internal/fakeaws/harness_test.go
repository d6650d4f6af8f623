package fakeaws

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	account  = "123456789012"
	allowAll = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// A world is a started fake with one user and one role, and SDK clients for it.
type world struct {
	*AWS
	t        *testing.T
	endpoint string
	user     Key
	role     string
}

// newWorld starts a fake whose user may do everything and whose role has the
// given policies.
func newWorld(t *testing.T, r Role) *world {
	t.Helper()
	a := New(Config{})
	endpoint, err := a.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	user, err := a.AddUser("base", allowAll)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name == "" {
		r.Name = "mcp-reader"
	}
	if r.Identity == nil {
		r.Identity = []string{allowAll}
	}
	role, err := a.AddRole(r)
	if err != nil {
		t.Fatal(err)
	}
	return &world{AWS: a, t: t, endpoint: endpoint, user: user, role: role}
}

// config is an SDK configuration that neither retries nor looks at the machine.
func (w *world) config(region string, c aws.CredentialsProvider) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(w.endpoint), Credentials: c,
		RetryMaxAttempts: 1,
	}
}

func (w *world) asUser() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(w.user.ID, w.user.Secret, "")
}

func (w *world) sts() *sts.Client { return sts.NewFromConfig(w.config("us-east-1", w.asUser())) }

func (w *world) userECS() *ecs.Client { return ecs.NewFromConfig(w.config("us-east-1", w.asUser())) }

// assume returns the credentials of a session of the role with this policy.
func (w *world) assume(policy string, change ...func(*sts.AssumeRoleInput)) aws.CredentialsProvider {
	w.t.Helper()
	in := &sts.AssumeRoleInput{RoleArn: aws.String(w.role), RoleSessionName: aws.String("call-1"), Policy: aws.String(policy)}
	for _, f := range change {
		f(in)
	}
	out, err := w.sts().AssumeRole(context.Background(), in)
	if err != nil {
		w.t.Fatalf("assume role: %v", err)
	}
	c := out.Credentials
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// as returns an ECS client of a session with this policy.
func (w *world) as(policy string) *ecs.Client {
	w.t.Helper()
	return ecs.NewFromConfig(w.config("us-east-1", w.assume(policy)))
}

// last returns the newest request.
func (w *world) last() Request {
	all := w.Requests()
	return all[len(all)-1]
}

// code returns the error code that AWS answered; empty for success.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return "not from AWS: " + err.Error()
	}
	return ""
}

func background() context.Context { return context.Background() }
