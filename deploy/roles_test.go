package deploy_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/reference"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
)

// roles are what a template makes; documents are JSON in one form.
type roles struct {
	proxy    role
	boundary string
	personas map[string]role
}

type role struct{ name, trust, policy string }

// everyPersona are those with a role at AWS, by name.
func everyPersona() (names []string) {
	for _, b := range policy.Builtins() {
		if b.Layer == "identity" {
			names = append(names, b.Name)
		}
	}
	return names
}

// values fill the placeholders of the documents, the same in every form.
var values = map[string]string{"region": region, "account": account, "partition": "aws", "cluster": "shop", "service": "checkout", "task_roles": "shop-*", "managed_roles": "shop-*"}

// fromCloudFormation makes every role there is.
func fromCloudFormation(t *testing.T, runtime, externalID string) roles {
	t.Helper()
	parameters := map[string]string{"Runtime": runtime, "ExternalId": externalID, "OidcProvider": "oidc.eks.example/id/A", "Region": values["region"],
		"Cluster": values["cluster"], "Service": values["service"], "TaskRoles": values["task_roles"], "ManagedRoles": values["managed_roles"]}
	for _, name := range everyPersona() {
		parameters[camel(name)] = "yes"
	}
	return newStack(t, parameters).roles()
}

func fromTerraform(t *testing.T, runtime, externalID string) roles {
	t.Helper()
	variables := map[string]cty.Value{"runtime": cty.StringVal(runtime), "external_id": cty.StringVal(externalID), "oidc_provider": cty.StringVal("oidc.eks.example/id/A")}
	for _, name := range []string{"region", "cluster", "service", "task_roles", "managed_roles"} {
		variables[name] = cty.StringVal(values[name])
	}
	var personas []cty.Value
	for _, name := range everyPersona() {
		personas = append(personas, cty.StringVal(name))
	}
	variables["personas"] = cty.SetVal(personas)
	return newModule(t, variables).roles()
}

func camel(name string) string {
	var words []string
	for word := range strings.SplitSeq(name, "-") {
		words = append(words, strings.ToUpper(word[:1])+word[1:])
	}
	return strings.Join(words, "")
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return asJSON(t, v)
}

// asJSON writes a document, or a text that is one, with its keys sorted.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	if text, ok := v.(string); ok {
		return canonical(t, text)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What AWS lets a persona's role do is what the proxy decides by: the same
// document, in CloudFormation and in Terraform.
func TestARolesPolicyIsItsPersonas(t *testing.T) {
	for form, made := range map[string]roles{"CloudFormation": fromCloudFormation(t, "ecs", ""), "Terraform": fromTerraform(t, "ecs", "")} {
		same := func(what, got string, document string) {
			d, err := policy.Builtin(document, values)
			if err != nil {
				t.Fatal(err)
			}
			if want := canonical(t, string(d.JSON)); got != want {
				t.Errorf("%s: %s is\n%s\nand the document\n%s", form, what, got, want)
			}
		}
		same("the boundary", made.boundary, "region-and-production")
		if len(made.personas) != len(everyPersona()) {
			t.Errorf("%s: %d personas", form, len(made.personas))
		}
		for _, name := range everyPersona() {
			same(name, made.personas[name].policy, name)
			if want := "ecs-mcp-" + name; made.personas[name].name != want {
				t.Errorf("%s: %s is named %q", form, name, made.personas[name].name)
			}
		}
	}
}

func TestTerraformAndCloudFormationMakeTheSameRoles(t *testing.T) {
	for _, runtime := range []string{"ecs", "eks-pod-identity", "eks-irsa"} {
		for _, externalID := range []string{"", "ticket-7"} {
			a, b := fromCloudFormation(t, runtime, externalID), fromTerraform(t, runtime, externalID)
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%s, external id %q:\n%+v\n%+v", runtime, externalID, a, b)
			}
			if got := strings.Contains(a.personas["troubleshooting"].trust, `"sts:ExternalId":"ticket-7"`); got != (externalID != "") {
				t.Errorf("%s: external id %q is in the trust policy: %v", runtime, externalID, got)
			}
		}
	}
}

// Unasked, only the personas that change nothing get a role.
func TestTheDefaultPersonasChangeNothing(t *testing.T) {
	want := []string{"read-only-monitoring", "troubleshooting"}
	for form, made := range map[string]roles{
		"CloudFormation": newStack(t, map[string]string{"Region": region}).roles(),
		"Terraform":      newModule(t, map[string]cty.Value{"region": cty.StringVal(region)}).roles(),
	} {
		var got []string
		for name := range made.personas {
			got = append(got, name)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %v", form, got)
		}
		var lent struct{ Statement []struct{ Resource any } }
		if err := json.Unmarshal([]byte(made.proxy.policy), &lent); err != nil || len(lent.Statement[0].Resource.([]any)) != 2 {
			t.Errorf("%s: the proxy may lend %v", form, lent.Statement[0].Resource)
		}
	}
}

func TestAPersonaWithoutItsValuesIsRefused(t *testing.T) {
	m := newModule(t, map[string]cty.Value{"region": cty.StringVal(region), "cluster": cty.StringVal("shop")})
	if m.whole("service-specific") || !m.whole("deployment") || !m.whole("troubleshooting") {
		t.Error("Terraform: the precondition of service-specific does not hold it back, or holds back another")
	}
	s := newStack(t, map[string]string{"Region": region, "Cluster": "shop"})
	rule := s.template["Rules"].(map[string]any)["ServiceSpecificIsWhole"].(map[string]any)
	var failed []string
	for _, a := range rule["Assertions"].([]any) {
		if a := a.(map[string]any); !s.resolve(a["Assert"]).(bool) {
			failed = append(failed, a["AssertDescription"].(string))
		}
	}
	if !slices.Equal(failed, []string{"service-specific needs Service"}) {
		t.Errorf("CloudFormation: %q", failed)
	}
}

// Nothing but lending its personas and looking up tags, and no more than that.
func TestTheProxysOwnRoleIsSmall(t *testing.T) {
	made := fromCloudFormation(t, "ecs", "")
	var document struct {
		Statement []struct {
			Action    []string
			Resource  any
			Condition map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(made.proxy.policy), &document); err != nil {
		t.Fatal(err)
	}
	lend, look := document.Statement[0], document.Statement[1]
	if len(document.Statement) != 2 || !slices.Equal(lend.Action, []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}) ||
		len(lend.Resource.([]any)) != len(everyPersona()) || strings.Contains(made.proxy.policy, "role/*") {
		t.Errorf("%+v", lend)
	}
	if !slices.Equal(look.Action, facts.Actions()) || look.Condition["StringEquals"]["aws:RequestedRegion"] != region {
		t.Errorf("%+v", look)
	}
}

// A condition on a key that AWS does not send with an action would keep
// everybody out, or, negated, let everybody in.
func TestTrustAsksOnlyForKeysThatTheActionCarries(t *testing.T) {
	var trust struct {
		Statement []struct {
			Action    string
			Condition map[string]map[string]any
		}
	}
	if err := json.Unmarshal([]byte(fromCloudFormation(t, "ecs", "x").personas["deployment"].trust), &trust); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, s := range trust.Statement {
		action := reference.Actions(s.Action)
		if len(action) != 1 {
			t.Fatalf("%s is no action", s.Action)
		}
		for _, keys := range s.Condition {
			for key := range keys {
				if checked++; !action[0].Carries(key) {
					t.Errorf("%s does not carry %s", s.Action, key)
				}
			}
		}
	}
	if checked != 6 {
		t.Errorf("%d keys", checked)
	}
}

// Sizes without white space, with names as long as AWS has them: cluster and
// service 255 characters.
// Source: IAM User Guide, "IAM and AWS STS quotas"; Amazon ECS API reference, CreateCluster, CreateService.
func TestThePoliciesFitIAM(t *testing.T) {
	made := newStack(t, map[string]string{"Region": "ap-southeast-2", "Cluster": strings.Repeat("c", 255), "Service": strings.Repeat("s", 255),
		"TaskRoles": strings.Repeat("r", 64), "ManagedRoles": strings.Repeat("r", 64), "Prefix": strings.Repeat("p", 30),
		"Deployment": "yes", "ExpressMode": "yes", "ServiceSpecific": "yes"}).roles()
	fits := func(what, text string, limit int) {
		t.Logf("%s: %d of %d characters", what, len(text), limit)
		if len(text) > limit {
			t.Errorf("%s has %d characters; IAM takes %d", what, len(text), limit)
		}
	}
	fits("the boundary", made.boundary, 6144)
	fits("the proxy's policy", made.proxy.policy, 10240)
	for name, r := range made.personas {
		fits("policy of "+name, r.policy, 10240)
		fits("trust of "+name, r.trust, 2048)
		if len(r.name) > 64 {
			t.Errorf("the name %s has %d characters", r.name, len(r.name))
		}
	}
}
