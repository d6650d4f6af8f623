package deploy_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// stack resolves a CloudFormation template as AWS would with these parameters,
// as far as this template goes.
type stack struct {
	t          *testing.T
	template   map[string]any
	parameters map[string]string
}

// absent is what Ref AWS::NoValue leaves.
type absent struct{}

func newStack(t *testing.T, parameters map[string]string) *stack {
	t.Helper()
	b, err := os.ReadFile("cloudformation/roles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, parameters: map[string]string{
		"AWS::AccountId": account, "AWS::Partition": "aws", "AWS::NoValue": "",
	}}
	if err := yaml.UnmarshalWithOptions(b, &s.template, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for name, p := range s.template["Parameters"].(map[string]any) {
		value, given := parameters[name]
		if standard, ok := p.(map[string]any)["Default"]; ok && !given {
			value = standard.(string)
		} else if !given {
			t.Fatalf("parameter %s has no default", name)
		}
		if pattern, ok := p.(map[string]any)["AllowedPattern"]; ok && !regexp.MustCompile("^(?:"+pattern.(string)+")$").MatchString(value) {
			t.Fatalf("parameter %s: %q is not allowed", name, value)
		}
		s.parameters[name] = value
	}
	return s
}

var variable = regexp.MustCompile(`\$\{(!?)([^}]+)\}`)

func (s *stack) resolve(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, one := range v {
			if r := s.resolve(one); r != (absent{}) {
				list = append(list, r)
			}
		}
		return list
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return s.call(name, argument)
				}
			}
		}
		object := map[string]any{}
		for key, one := range v {
			if r := s.resolve(one); r != (absent{}) {
				object[key] = r
			}
		}
		return object
	}
	return v
}

func (s *stack) call(function string, argument any) any {
	switch function {
	case "Ref":
		if argument == "AWS::NoValue" {
			return absent{}
		}
		return s.lookUp(argument.(string))
	case "Fn::Sub":
		return variable.ReplaceAllStringFunc(argument.(string), func(text string) string {
			m := variable.FindStringSubmatch(text)
			if m[1] == "!" {
				return "${" + m[2] + "}"
			}
			return s.lookUp(m[2])
		})
	case "Fn::GetAtt":
		of := argument.([]any)
		if of[1] != "Arn" {
			s.t.Fatalf("GetAtt %v", of)
		}
		return s.arn(of[0].(string))
	case "Fn::If":
		of := argument.([]any)
		if s.condition(of[0].(string)) {
			return s.resolve(of[1])
		}
		return s.resolve(of[2])
	case "Fn::Equals":
		of := argument.([]any)
		return fmt.Sprint(s.resolve(of[0])) == fmt.Sprint(s.resolve(of[1]))
	case "Fn::Not":
		return !s.resolve(argument.([]any)[0]).(bool)
	}
	s.t.Fatalf("the template uses %s, which this test does not know", function)
	return nil
}

func (s *stack) lookUp(name string) string {
	if value, ok := s.parameters[name]; ok {
		return value
	}
	return s.arn(name) // of a managed policy, Ref is the ARN
}

func (s *stack) arn(resource string) string {
	p := s.properties(resource)
	if name, ok := p["RoleName"]; ok {
		return "arn:aws:iam::" + account + ":role/" + s.resolve(name).(string)
	}
	return "arn:aws:iam::" + account + ":policy/" + s.resolve(p["ManagedPolicyName"]).(string)
}

func (s *stack) properties(resource string) map[string]any {
	r, ok := s.template["Resources"].(map[string]any)[resource].(map[string]any)
	if !ok {
		s.t.Fatalf("there is no resource %s", resource)
	}
	return r["Properties"].(map[string]any)
}

func (s *stack) condition(name string) bool {
	c, ok := s.template["Conditions"].(map[string]any)[name]
	if !ok {
		s.t.Fatalf("there is no condition %s", name)
	}
	return s.resolve(c).(bool)
}

// roles reads what the stack would make.
func (s *stack) roles() roles {
	made := roles{personas: map[string]role{}}
	for name, r := range s.template["Resources"].(map[string]any) {
		if condition, ok := r.(map[string]any)["Condition"]; ok && !s.condition(condition.(string)) {
			continue
		}
		p := s.resolve(s.properties(name)).(map[string]any)
		if r.(map[string]any)["Type"] == "AWS::IAM::ManagedPolicy" {
			made.boundary = asJSON(s.t, p["PolicyDocument"])
			continue
		}
		policies := p["Policies"].([]any)
		if len(policies) != 1 {
			s.t.Fatalf("%s has %d policies", name, len(policies))
		}
		one := role{
			name:   p["RoleName"].(string),
			trust:  asJSON(s.t, p["AssumeRolePolicyDocument"]),
			policy: asJSON(s.t, policies[0].(map[string]any)["PolicyDocument"]),
		}
		if name == "Proxy" {
			made.proxy = one
			continue
		}
		if p["PermissionsBoundary"] != s.arn("Boundary") {
			s.t.Errorf("%s is not bounded", name)
		}
		made.personas[strings.TrimPrefix(one.name, s.parameters["Prefix"])] = one
	}
	return made
}
