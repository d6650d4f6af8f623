//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
)

// stackTemplate is the server's own template of the stack that
// build_and_push_image_to_ecr makes and delete_app deletes.
type stackTemplate struct {
	Resources map[string]struct {
		Type       string
		Properties map[string]any
	}
}

// needsProperty names the permissions that a handler needs only for a property,
// by resource type and action. Every other permission is needed always.
// Source: CloudFormation template reference, the properties of each type.
var needsProperty = map[string]map[string]string{
	"AWS::ECR::Repository": {
		"ecr:PutLifecyclePolicy":  "LifecyclePolicy",
		"ecr:SetRepositoryPolicy": "RepositoryPolicyText",
		"kms:DescribeKey":         "EncryptionConfiguration",
		"kms:CreateGrant":         "EncryptionConfiguration",
		"kms:RetireGrant":         "EncryptionConfiguration",
	},
	"AWS::KMS::Key": {
		"kms:EnableKeyRotation": "EnableKeyRotation",
		"kms:DisableKey":        "Enabled",
		"kms:TagResource":       "Tags",
		"kms:PutKeyPolicy":      "KeyPolicy",
	},
	"AWS::KMS::Alias": {},
	"AWS::IAM::Role": {
		"iam:PutRolePolicy":    "Policies",
		"iam:DeleteRolePolicy": "Policies",
		"iam:GetRolePolicy":    "Policies",
		"iam:AttachRolePolicy": "ManagedPolicyArns",
		"iam:DetachRolePolicy": "ManagedPolicyArns",
		"iam:TagRole":          "Tags",
		"iam:UntagRole":        "Tags",
	},
}

// namedBy is the property with the name of a resource, and the type in its ARN;
// a key has no name before it is there.
var namedBy = map[string][2]string{
	"AWS::ECR::Repository": {"RepositoryName", "ecr:us-east-1:123456789012:repository/"},
	"AWS::KMS::Key":        {"", "kms:us-east-1:123456789012:key/*"},
	"AWS::KMS::Alias":      {"AliasName", "kms:us-east-1:123456789012:"},
	"AWS::IAM::Role":       {"RoleName", "iam::123456789012:role/"},
}

// What CloudFormation does on the caller's behalf is in no record: it follows from
// the server's template and from what AWS's schemas of the resource types say that
// creating and deleting them needs. A template or a schema that changed fails here.
func TestStackAccessesAreThoseOfTheServersTemplate(t *testing.T) {
	const app = "web-app"
	// Lent on every key of the account, and too long beside the rest: see docs/catalogue.md.
	notLent := func(tool, action string) bool {
		return tool == "build_and_push_image_to_ecr" && strings.HasPrefix(action, "kms:")
	}
	template := readTemplate(t)
	for _, tt := range []struct{ tool, handler, arguments string }{
		{"build_and_push_image_to_ecr", "create", `{"app_name":"` + app + `","app_path":"/src"}`},
		{"delete_app", "delete", `{"app_name":"` + app + `","service_arn":"arn:aws:ecs:us-east-1:123456789012:service/default/express"}`},
	} {
		want, left := map[string]bool{}, 0
		for _, r := range template.Resources {
			for _, action := range handlerPermissions(t, r.Type, tt.handler) {
				property, conditional := needsProperty[r.Type][action]
				switch {
				case conditional && empty(r.Properties[property]):
				case notLent(tt.tool, action):
					left++
				default:
					for _, arn := range authorisedOn(t, app, r.Type, action, r.Properties) {
						want[action+" "+arn] = true
					}
				}
			}
		}
		if (left > 0) != (tt.handler == "create") {
			t.Errorf("%s: %d actions are left out as too many, which is not as documented", tt.tool, left)
		}
		got := map[string]bool{}
		for _, a := range resolve(t, tt.tool, tt.arguments).Accesses {
			if via, ok := a.Context["aws:CalledVia"]; ok {
				got[a.Action+" "+a.Resource] = true
				if !a.Optional || !a.Unverified || !slices.Equal(via.Values, []string{"cloudformation.amazonaws.com"}) {
					t.Errorf("%s: %s is not marked as CloudFormation's", tt.tool, a.Action)
				}
			}
		}
		same(t, tt.tool+": access by CloudFormation", slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	}
}

// authorisedOn are the resources that AWS checks an action of a handler on. An
// alias is checked as such and as its key; a repository's key is a key.
// Source: Service Authorization Reference, AWS KMS.
func authorisedOn(t *testing.T, app, kind, action string, properties map[string]any) []string {
	t.Helper()
	key := "arn:aws:" + namedBy["AWS::KMS::Key"][1]
	named, ok := namedBy[kind]
	switch {
	case !ok:
		t.Fatalf("the template has a %s, of which nothing is known here", kind)
	case strings.HasPrefix(action, "kms:") && kind != "AWS::KMS::Alias":
		return []string{key}
	}
	name, _ := properties[named[0]].(map[string]any)
	text, ok := name["Fn::Sub"].(string)
	if !ok {
		t.Fatalf("the template does not name its %s", kind)
	}
	arns := []string{"arn:aws:" + named[1] + strings.ReplaceAll(text, "${AppName}", app)}
	if kind == "AWS::KMS::Alias" {
		arns = append(arns, key)
	}
	return arns
}

func empty(property any) bool {
	switch v := property.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	}
	return false
}

func readTemplate(t *testing.T) (template stackTemplate) {
	t.Helper()
	readJSON(t, world.sitePackages(t, "awslabs/ecs_mcp_server/templates/ecr_infrastructure.json"), &template)
	if len(template.Resources) == 0 {
		t.Fatal("the template of the server has no resources")
	}
	return template
}

// handlerPermissions reads what AWS's schema of a resource type lists, in the copy
// that cfn-lint has, which moto brings along.
func handlerPermissions(t *testing.T, kind, handler string) []string {
	t.Helper()
	schemas := filepath.Dir(filepath.Dir(world.sitePackages(t, "cfnlint/data/schemas/providers/"+region+".json")))
	files := map[string]string{}
	readJSON(t, filepath.Join(schemas, "providers", region+".json"), &files)
	var schema struct {
		Handlers map[string]struct{ Permissions []string }
	}
	readJSON(t, filepath.Join(schemas, "resources", files[kind]+".json"), &schema)
	if len(schema.Handlers[handler].Permissions) == 0 {
		t.Fatalf("the schema of %s does not say what its handler %s needs", kind, handler)
	}
	return schema.Handlers[handler].Permissions
}

// sitePackages finds a file of the Python environment.
func (s *stack) sitePackages(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.venv, "lib", "python3*", "site-packages", filepath.FromSlash(name)))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files %s in the Python environment: %v", len(found), name, err)
	}
	return found[0]
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// resolve asks the catalogue about a call.
func resolve(t *testing.T, tool, arguments string) *catalog.Resolution {
	t.Helper()
	known, err := catalog.Builtin(profile)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := known.Resolve(catalog.Env{Partition: "aws", Account: world.seed["account"], Region: region}, tool, json.RawMessage(arguments))
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}
