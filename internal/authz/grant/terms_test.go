package grant

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

func TestOnlyNamedTagsOfThePrincipalArePassedOn(t *testing.T) {
	terms := Terms{ExternalID: "ticket-7", PassTags: []string{"team", "absent", "persona"}, SetTags: map[string]string{"project": "shop", "tool": "x"}, Transitive: []string{"team", "absent", "tool"}}
	o := Order{Tags: map[string]string{"persona": "reader", "tool": "t"}}
	terms.Add(&o, map[string]string{"team": "web", "secret": "s", "persona": "admin"})
	if want := map[string]string{"persona": "reader", "tool": "t", "team": "web", "project": "shop"}; !maps.Equal(o.Tags, want) {
		t.Errorf("tags %v, want %v", o.Tags, want)
	}
	if o.ExternalID != "ticket-7" || !slices.Equal(o.Transitive, []string{"team", "tool"}) {
		t.Errorf("%+v", o)
	}
	if terms.SetTags["tool"] != "x" || len(terms.SetTags) != 2 {
		t.Errorf("the terms were changed: %v", terms.SetTags)
	}
}

func TestTheTermsReachSTS(t *testing.T) {
	a, b, _, _ := account(t, mayAssume)
	role, err := a.AddRole(fakeaws.Role{Name: "guarded", Identity: []string{mayAssume}, ExternalID: "ticket-7"})
	if err != nil {
		t.Fatal(err)
	}
	o := order(role)
	if _, err := b.Mint(t.Context(), o); !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "external_id") {
		t.Errorf("without the external id: %v", err)
	}
	Terms{ExternalID: "ticket-7", SetTags: map[string]string{"project": "shop"}, Transitive: []string{"project"}}.Add(&o, nil)
	if _, err := b.Mint(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := a.Sessions()[0]; got.Tags["project"] != "shop" || got.Tags["persona"] != "reader" || !slices.Equal(got.Transitive, []string{"project"}) {
		t.Errorf("session %+v", got)
	}
}

func TestATagThatSTSDoesNotTakeRefusesTheCall(t *testing.T) {
	a, b, _, role := account(t, mayAssume)
	for name, value := range map[string]string{"a star": "*", "a new line": "a\nb", "too long": strings.Repeat("a", 257)} {
		o := order(role)
		Terms{PassTags: []string{"team"}}.Add(&o, map[string]string{"team": value})
		if g, err := b.Mint(t.Context(), o); g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "the caller's tag team cannot be a session tag") {
			t.Errorf("%s: %v, %v", name, g, err)
		}
	}
	if n := len(a.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestDifferentTermsAreDifferentScopes(t *testing.T) {
	seen := map[string]string{}
	for name, terms := range map[string]Terms{"none": {}, "an external id": {ExternalID: "x1"}, "a tag": {SetTags: map[string]string{"a": "b"}},
		"a transitive tag": {SetTags: map[string]string{"a": "b"}, Transitive: []string{"a"}}, "an inherited identity": {InheritIdentity: true}} {
		o := read("arn:aws:iam::123456789012:role/mcp")
		terms.Add(&o, nil)
		scope, err := o.Scope()
		if err != nil || seen[scope] != "" {
			t.Errorf("%s and %s: %v", name, seen[scope], err)
		}
		seen[scope] = name
	}
}

// chained is a broker whose own credentials are a session of a role.
func chained(t *testing.T, change func(*sts.AssumeRoleInput)) (*fakeaws.AWS, *Broker, string) {
	t.Helper()
	a, _, config, role := account(t, mayAssume)
	first, err := a.AddRole(fakeaws.Role{Name: "login", Identity: []string{mayAssume}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := sts.NewFromConfig(config).AssumeRole(t.Context(), func() *sts.AssumeRoleInput {
		in := &sts.AssumeRoleInput{RoleArn: &first, RoleSessionName: aws.String("login"), Policy: aws.String(mayAssume)}
		change(in)
		return in
	}())
	if err != nil {
		t.Fatal(err)
	}
	config.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return a, NewBroker(sts.NewFromConfig(config)), role
}

func TestARoleIsAssumedFromARole(t *testing.T) {
	a, b, role := chained(t, func(*sts.AssumeRoleInput) {})
	if _, err := b.Mint(t.Context(), order(role)); err != nil {
		t.Fatal(err)
	}
	if s := a.Sessions()[1]; s.SourceIdentity != SourceIdentity("os-user", "alice") {
		t.Errorf("%+v", s)
	}
}

func TestAnInheritedSourceIdentityIsKept(t *testing.T) {
	named := func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("alice@example.com") }
	a, b, role := chained(t, named)
	if g, err := b.Mint(t.Context(), order(role)); g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "set aws.source_identity to inherit") {
		t.Errorf("%v, %v", g, err)
	}
	o := order(role)
	o.InheritIdentity = true
	if _, err := b.Mint(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if s := a.Sessions()[1]; s.SourceIdentity != "alice@example.com" || s.Name != "ecsmcp-d1" {
		t.Errorf("%+v", s)
	}
}

func TestNothingToInheritIsRefused(t *testing.T) {
	_, b, role := chained(t, func(*sts.AssumeRoleInput) {})
	o := order(role)
	o.InheritIdentity = true
	if g, err := b.Mint(t.Context(), o); g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "has no source identity; set it to principal") {
		t.Errorf("%v, %v", g, err)
	}
}

func TestATransitiveTagOfTheBaseIsHandedOnAndNotChanged(t *testing.T) {
	tagged := func(in *sts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
		in.TransitiveTagKeys = []string{"team"}
	}
	a, b, role := chained(t, tagged)
	if _, err := b.Mint(t.Context(), order(role)); err != nil {
		t.Fatal(err)
	}
	if s := a.Sessions()[1]; s.Tags["team"] != "web" || s.Tags["persona"] != "reader" {
		t.Errorf("%+v", s)
	}
	o := order(role)
	Terms{SetTags: map[string]string{"Team": "payments"}}.Add(&o, nil)
	if g, err := b.Mint(t.Context(), o); g != nil || !errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), "transitive tag of the proxy's own session") {
		t.Errorf("%v, %v", g, err)
	}
}

func TestARoleOfAnotherAccountIsAssumed(t *testing.T) {
	a, b, _, _ := account(t, mayAssume)
	for _, tt := range []struct {
		name    string
		trusted []string
		lent    bool
	}{{"trusts", []string{"arn:aws:iam::123456789012:user/proxy"}, true}, {"does-not", nil, false}} {
		role, err := a.AddRole(fakeaws.Role{Name: tt.name, Account: "210987654321", Trusted: tt.trusted, Identity: []string{mayAssume}})
		if err != nil {
			t.Fatal(err)
		}
		o := order(role)
		o.Items[0].Access.Resource = "arn:aws:ecs:us-east-1:210987654321:service/shop/checkout"
		g, err := b.Mint(t.Context(), o)
		if (err == nil) != tt.lent || tt.lent && !strings.Contains(g.Policy, "210987654321") {
			t.Errorf("%s: %v, %v", tt.name, g, err)
		}
	}
}
