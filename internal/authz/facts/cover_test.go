package facts

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
)

// notLookedUp are the types of resources that have tags which stay unknown, each
// with the reason.
var notLookedUp = map[string]string{
	"ecs daemon":                 "ListTagsForResource of Amazon ECS does not take one",
	"ecs daemon-task-definition": "ListTagsForResource of Amazon ECS does not take one",
	"ecs service-deployment":     "ListTagsForResource of Amazon ECS does not take one",
	"ecs service-revision":       "ListTagsForResource of Amazon ECS does not take one",
	"iam role":                   "no persona's role is judged by its tags; it would take the right to read IAM",
	"kms key":                    "the catalogue knows no key by its name, only every key",
	"logs log-stream":            "it has no tags of its own, and AWS does not say whose it carries",
}

var arnType = regexp.MustCompile(`\Aarn:[a-z-]+:([a-z0-9-]+):[^:]*:[^:]*:([a-z-]+)[/:]`)

// typeOf names the type of an ARN, "ecs service".
func typeOf(arn string) string {
	if strings.Contains(arn, ":log-stream:") {
		return "logs log-stream"
	}
	if m := arnType.FindStringSubmatch(arn); m != nil {
		return m[1] + " " + m[2]
	}
	return arn
}

// Every call of the catalogue's own golden file, which has one of each operation:
// of each type of resource whose tags AWS may compare, tags are looked up, or it
// is named with the reason.
func TestTheTagsOfEveryTaggableTypeOfTheCatalogueAreLookedUp(t *testing.T) {
	b, err := os.ReadFile("../catalog/testdata/calls.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var calls [][2]string
	if err := yaml.Unmarshal(b, &calls); err != nil {
		t.Fatal(err)
	}
	for _, resource := range []string{"daemon/shop/agent", "daemon-task-definition/agent:1"} { // what only a tag is put on
		calls = append(calls, [2]string{"TagResource", fmt.Sprintf(`{"resourceArn":%q,"tags":[{"key":"a"}]}`, arn+resource)})
	}
	servers, err := catalog.Builtin("awslabs.ecs-mcp-server")
	if err != nil {
		t.Fatal(err)
	}
	env := catalog.Env{Partition: "aws", Account: "123456789012", Region: "us-east-1"}
	found := map[string]bool{} // type to whether one of it is looked up
	for _, call := range calls {
		tool, arguments := call[0], call[1]
		if !slices.Contains(servers.Tools(), tool) {
			tool, arguments = "ecs_resource_management", fmt.Sprintf(`{"api_operation":%q,"api_params":%s}`, call[0], call[1])
		}
		r, err := servers.Resolve(env, tool, json.RawMessage(arguments))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range r.Accesses {
			for resource, prefix := range map[string]string{a.Resource: "aws:ResourceTag/", a.Subject: authz.SubjectTag} {
				if resource != "" && resource != "*" && a.IsUnknown(prefix+"x") {
					name := typeOf(resource)
					found[name] = found[name] || parse(resource).kind != ""
				}
			}
		}
	}
	for name, looked := range found {
		if reason := notLookedUp[name]; looked == (reason != "") {
			t.Errorf("%s: looked up %v, reason why not %q", name, looked, reason)
		}
	}
	for name := range notLookedUp {
		if _, ok := found[name]; !ok {
			t.Errorf("%s is not in the catalogue, or its tags are not unknown", name)
		}
	}
	if len(found) < 12 {
		t.Errorf("only %d types: %v", len(found), found)
	}
}
