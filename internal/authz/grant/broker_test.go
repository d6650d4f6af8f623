package grant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// account starts a strict AWS with a role that may do everything, and a broker
// whose own identity has the given policy.
func account(t *testing.T, identity string) (a *fakeaws.AWS, b *Broker, config aws.Config, role string) {
	t.Helper()
	a = fakeaws.New(fakeaws.Config{})
	url, err := a.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		for _, v := range a.Violations() {
			t.Errorf("AWS saw a violation: %s", v)
		}
	})
	key, err := a.AddUser("proxy", identity)
	if err != nil {
		t.Fatal(err)
	}
	if role, err = a.AddRole(fakeaws.Role{Name: "mcp", Identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}}); err != nil {
		t.Fatal(err)
	}
	config = aws.Config{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	return a, NewBroker(sts.NewFromConfig(config)), config, role
}

const mayAssume = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`

func order(role string) Order {
	return Order{DecisionID: "d1", Role: role, Region: region, SourceIdentity: SourceIdentity("os-user", "alice"),
		Tags: map[string]string{"persona": "reader", "tool": "t"}, Deadline: time.Now().Add(time.Minute),
		Items: []Item{{Access: access("ecs:DescribeServices", service("checkout"))}}}
}

func TestAGrantDoesWhatWasDecidedAndNothingElse(t *testing.T) {
	a, b, config, role := account(t, mayAssume)
	a.AddService("shop", "checkout", nil)
	g, err := b.Mint(t.Context(), order(role))
	if err != nil {
		t.Fatal(err)
	}
	session := a.Sessions()[0]
	if session.Name != "ecsmcp-d1" || session.SourceIdentity != SourceIdentity("os-user", "alice") || session.Tags["persona"] != "reader" || session.Policy != g.Policy {
		t.Errorf("session %+v", session)
	}
	config.Credentials = credentials.NewStaticCredentialsProvider(g.AccessKeyID, g.secret(), g.token())
	client := ecs.NewFromConfig(config)
	read := func() error {
		_, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"checkout"}})
		return err
	}
	if err := read(); err != nil {
		t.Errorf("the decided read: %v", err)
	}
	if _, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"other"}}); err == nil {
		t.Error("another service was read")
	}
	if _, err := client.DeleteService(t.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("shop"), Service: aws.String("checkout")}); err == nil || !a.HasService("shop", "checkout") {
		t.Error("the service was deleted")
	}
	elsewhere := ecs.NewFromConfig(config, func(o *ecs.Options) { o.Region = "eu-west-1" })
	if _, err := elsewhere.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"checkout"}}); err == nil {
		t.Error("another region was read")
	}
	a.Advance(2 * time.Minute) // the call's deadline and 30 s are over, the keys' 15 minutes are not
	if err := read(); err == nil || !strings.Contains(err.Error(), "explicit deny") {
		t.Errorf("after the call's time: %v", err)
	}
	if v := a.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestOnlyEqualReadsAreLentTheSameGrant(t *testing.T) {
	_, b, _, role := account(t, mayAssume)
	mint := func(change func(*Order)) *Grant {
		t.Helper()
		o := order(role)
		o.Reusable = true
		if change != nil {
			change(&o)
		}
		g, err := b.Mint(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	first := mint(nil)
	if again := mint(func(o *Order) { o.DecisionID = "d2" }); again.AccessKeyID != first.AccessKeyID || !again.Reused || first.Reused {
		t.Error("an equal read was not lent the same grant")
	}
	changes := map[string]func(*Order){
		"another resource":           func(o *Order) { o.Items[0].Access.Resource = service("other") },
		"another caller":             func(o *Order) { o.SourceIdentity = "bob-1" },
		"another persona":            func(o *Order) { o.Tags = map[string]string{"persona": "admin", "tool": "t"} },
		"a write":                    func(o *Order) { o.Reusable = false },
		"a deadline past the window": func(o *Order) { o.Deadline = time.Now().Add(5 * time.Minute) },
		"a pin that the other had not": func(o *Order) {
			o.Items[0].Access.Taggable = true
			o.Items[0].Pins = []Pin{{Key: "aws:ResourceTag/A", Value: "b"}}
		},
	}
	for name, change := range changes {
		if g := mint(change); g.AccessKeyID == first.AccessKeyID {
			t.Errorf("%s was lent the same grant", name)
		}
	}
}

func TestWithoutCredentialsThereIsNoCall(t *testing.T) {
	tests := []struct {
		name, identity, want string
		change               func(*Order)
		class                error
	}{
		{"the proxy may not assume the role", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}`, "no identity-based policy of arn:aws:iam::123456789012:user/proxy allows sts:AssumeRole", nil, ErrCredentials},
		{"the role does not exist", mayAssume, "check that the role is there", func(o *Order) { o.Role = "arn:aws:iam::123456789012:role/none" }, ErrCredentials},
		{"nothing to grant", mayAssume, "nothing to grant", func(o *Order) { o.Items = nil }, ErrNothingGrantable},
		{"a call that outlives any session", mayAssume, "a session lasts 15m0s", func(o *Order) { o.Deadline = time.Now().Add(15 * time.Minute) }, ErrCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b, _, role := account(t, tt.identity)
			o := order(role)
			if tt.change != nil {
				tt.change(&o)
			}
			g, err := b.Mint(t.Context(), o)
			if g != nil || !errors.Is(err, tt.class) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("grant %v, error %v", g, err)
			}
			if len(a.Sessions()) != 0 {
				t.Error("a session was minted")
			}
		})
	}
}

func TestThePackedLimitIsSaidAsOurOwn(t *testing.T) {
	a, b, _, role := account(t, mayAssume)
	o := order(role)
	o.Items = nil
	for i := 0; ; i++ { // ids that do not pack well: below our limit, above AWS's other one
		sum := sha256.Sum256([]byte{byte(i)})
		o.Items = append(o.Items, Item{Access: access("ecs:StopTask", "arn:aws:ecs:us-east-1:123456789012:task/shop/"+hex.EncodeToString(sum[:16]))})
		if _, err := o.Scope(); err != nil {
			t.Fatalf("%d tasks are over our own limit, and AWS took all before: %v", i, err)
		}
		g, err := b.Mint(t.Context(), o)
		if err == nil {
			continue
		}
		if g != nil || !errors.Is(err, ErrPolicySize) || !strings.Contains(err.Error(), fmt.Sprintf("about %d may fit", i)) || len(a.Sessions()) != i {
			t.Errorf("grant %v, error %v, %d sessions of %d", g, err, len(a.Sessions()), i)
		}
		return
	}
}

func TestAProxyWithoutCredentialsIsToldWhereTheyComeFrom(t *testing.T) {
	_, _, config, role := account(t, mayAssume)
	config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no provider in chain")
	})
	_, err := NewBroker(sts.NewFromConfig(config)).Mint(t.Context(), order(role))
	if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "no AWS credentials of its own; give its environment AWS_PROFILE") {
		t.Errorf("err = %v", err)
	}
}

func TestSTSThatCannotBeReachedIsSaidPlainly(t *testing.T) {
	a, b, _, role := account(t, mayAssume)
	a.Close()
	_, err := b.Mint(t.Context(), order(role))
	if !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "STS cannot be reached") {
		t.Errorf("err = %v", err)
	}
}

func TestAGrantPrintsNoSecret(t *testing.T) {
	g := lent("ASIA1", time.Minute)
	for _, text := range []string{fmt.Sprint(g), fmt.Sprintf("%+v", g), fmt.Sprintf("%#v", g), fmt.Sprintf("%s", g)} {
		if strings.Contains(text, "SECRET") || strings.Contains(text, "TOKEN") {
			t.Errorf("leaks: %s", text)
		}
	}
}

func TestSourceIdentityIsReadableAndUnique(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{"alice", "Alice", "al ice", "al-ice", "名前", "", strings.Repeat("x", 100), strings.Repeat("x", 101), "aws:alice"} {
		got := SourceIdentity("os-user", id)
		if len(got) < 2 || len(got) > 64 || strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-") != "" {
			t.Errorf("%q becomes %q, which STS refuses", id, got)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both %q", id, other, got)
		}
		seen[got] = id
	}
}
