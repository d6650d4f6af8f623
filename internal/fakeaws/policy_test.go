package fakeaws

import (
	"errors"
	"strings"
	"testing"
)

func TestPoliciesThatAreRefused(t *testing.T) {
	cases := []struct{ name, text, says string }{
		{"nothing", ``, "JSON object"},
		{"an array", `[]`, "JSON object"},
		{"a trailing comma", `{"Statement":[],}`, "strict JSON"},
		{"a comment", `{/* */"Statement":[]}`, "strict JSON"},
		{"two documents", `{"Statement":[]}{}`, "strict JSON"},
		{"a duplicate element", `{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}`, "strict JSON"},
		{"two blocks of one operator", one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":"true"},"Bool":{"b":"true"}}`), "strict JSON"},
		{"one operator in two cases with one key", one(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":"true"},"bool":{"A":"true"}}`), "stands twice"},
		{"no Statement", `{"Version":"2012-10-17"}`, "no Statement"},
		{"an empty Statement", `{"Version":"2012-10-17","Statement":[]}`, "no Statement"},
		{"another Version", `{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, "Version"},
		{"an unknown element", `{"Statements":[]}`, `unknown element "Statements"`},
		{"an element in another case", one(`"effect":"Allow","Action":"*","Resource":"*"`), "effect: unknown element"},
		{"no Effect", one(`"Action":"*","Resource":"*"`), "Effect is missing"},
		{"an Effect in another case", one(`"Effect":"allow","Action":"*","Resource":"*"`), "neither Allow nor Deny"},
		{"no Action", one(`"Effect":"Allow","Resource":"*"`), "exactly one of Action and NotAction"},
		{"Action and NotAction", one(`"Effect":"Allow","Action":"*","NotAction":"iam:*","Resource":"*"`), "exactly one of Action and NotAction"},
		{"no Resource", one(`"Effect":"Allow","Action":"*"`), "exactly one of Resource and NotResource"},
		{"an empty list of actions", one(`"Effect":"Allow","Action":[],"Resource":"*"`), "at least one value"},
		{"an action without a service", one(`"Effect":"Allow","Action":"DeleteService","Resource":"*"`), "PREFIX:NAME"},
		{"a wildcard in the service", one(`"Effect":"Allow","Action":"e*:DeleteService","Resource":"*"`), "PREFIX:NAME"},
		{"an action that is a number", one(`"Effect":"Allow","Action":7,"Resource":"*"`), "a string is needed"},
		{"a resource that is no ARN", one(`"Effect":"Allow","Action":"*","Resource":"service/prod/api"`), "neither an ARN"},
		{"a variable in the account", one(`"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:us-east-1:${aws:PrincipalAccount}:x"`), "outside the resource part"},
		{"a principal", one(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"`), "resource-based"},
		{"two equal Sids", `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]}`, "not unique"},
		{"a Sid with a space", `{"Statement":{"Sid":"A b","Effect":"Allow","Action":"*","Resource":"*"}}`, "letters and digits"},
		{"an unknown operator", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEqual":{"a":"b"}}`), "unknown condition operator"},
		{"Null with IfExists", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NullIfExists":{"a":"true"}}`), "no suffix"},
		{"an operator that is a list", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":["a"]}`), "JSON object"},
		{"a key without a value", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"a":[]}}`), "no value"},
		{"a value that is an object", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"a":{}}}`), "boolean or number"},
		{"a key with a wildcard", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:*":"true"}}`), "not a condition key"},
		{"what is no boolean", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"a":"yes"}}`), "neither true nor false"},
		{"what is no number", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NumericEquals":{"a":"1e9"}}`), "decimal number"},
		{"what is no date", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateEquals":{"a":"tomorrow"}}`), "ISO 8601"},
		{"what is no address", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"a":"10.0.0.0/33"}}`), "CIDR"},
		{"what is not base64", one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BinaryEquals":{"a":"?"}}`), "base64"},
		{"an open variable", one(`"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:::${aws:userid"`), "closing brace"},
		{"a variable without a name", one(`"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:::${}"`), "not a condition key"},
		{"a default without quotes", one(`"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:::${aws:userid, x}"`), "single quotes"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parsePolicy("p", tc.text)
			if !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}

func TestAPolicyThatIsRefusedMakesNoUserAndNoRole(t *testing.T) {
	a := New(Config{})
	bad := one(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEqual":{"a":"b"}}`)
	if _, err := a.AddUser("u", bad); !errors.Is(err, ErrPolicy) {
		t.Errorf("user: %v", err)
	}
	if _, err := a.AddRole(Role{Name: "r", Identity: []string{bad}}); !errors.Is(err, ErrPolicy) {
		t.Errorf("role: %v", err)
	}
	if _, err := a.AddRole(Role{Name: "r", Boundary: bad}); !errors.Is(err, ErrPolicy) {
		t.Errorf("role with that boundary: %v", err)
	}
	if len(a.keys)+len(a.roles)+len(a.users) != 0 {
		t.Error("something was made")
	}
	long := one(`"Effect":"Allow","Action":["` + strings.Repeat(`ecs:A","`, 900) + `ecs:B"],"Resource":"*"`)
	if _, err := a.AddUser("u", long); !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), "at most 6144") {
		t.Errorf("a policy over the limit: %v", err)
	}
}
