package policy

import (
	"errors"
	"strings"
	"testing"
)

func TestDecideRefusesWhatCannotBeCarriedOut(t *testing.T) {
	tests := map[string]struct{ more, want string }{
		"a redaction":                     {`"obligations": [{"kind": "redact", "members": ["environment"]}]`, ""},
		"a Deny":                          {`"session_deny": [{"Action": ["ecs:*"], "Resource": ["*"], "Condition": {"StringLike": {"aws:ResourceTag/Environment": ["prod*"]}}}]`, ""},
		"an unknown obligation":           {`"obligations": [{"kind": "notify", "members": ["a"]}]`, `obligation "notify" is not known; there are confirm and redact`},
		"a redaction of nothing":          {`"obligations": [{"kind": "redact", "members": []}]`, "must name 1 to 100 members"},
		"a redaction of no name":          {`"obligations": [{"kind": "redact", "members": [""]}]`, "must have 1 to 200 bytes"},
		"a second that is unknown":        {`"obligations": [{"kind": "redact", "members": ["a"]}, {"kind": ""}]`, `obligation "" is not known`},
		"a confirmation":                  {`"obligations": [{"kind": "confirm"}, {"kind": "confirm", "message": "Really?", "needs": ["aws:ResourceTag/Environment"]}]`, ""},
		"a confirmation of members":       {`"obligations": [{"kind": "confirm", "members": ["a"]}]`, "confirm has no members"},
		"a confirmation of many words":    {`"obligations": [{"kind": "confirm", "message": "` + strings.Repeat("x", 501) + `"}]`, "at most 500 bytes"},
		"a confirmation with a typo":      {`"obligations": [{"kind": "confirm", "mesage": "a"}]`, "mesage"},
		"a redaction with a message":      {`"obligations": [{"kind": "redact", "members": ["a"], "message": "b"}]`, "redact has no message"},
		"an obligation of many needs":     {`"obligations": [{"kind": "confirm", "needs": ["a"` + strings.Repeat(`,"a"`, 100) + `]}]`, "at most 100 keys"},
		"a Deny without a resource":       {`"session_deny": [{"Action": ["*"]}]`, "session_deny[0].Resource"},
		"a Deny without an action":        {`"session_deny": [{"Resource": ["*"]}]`, "session_deny[0].Action"},
		"a Deny of no action":             {`"session_deny": [{"Action": ["Delete"], "Resource": ["*"]}]`, "is no action"},
		"a Deny of what is no ARN":        {`"session_deny": [{"Action": ["*"], "Resource": ["shop"]}]`, "is no ARN"},
		"a Deny with an unknown operator": {`"session_deny": [{"Action": ["*"], "Resource": ["*"], "Condition": {"StringEqual": {"aws:ResourceTag/A": ["b"]}}}]`, "is no condition operator"},
		"a Deny with what is no key":      {`"session_deny": [{"Action": ["*"], "Resource": ["*"], "Condition": {"StringEquals": {"Environment": ["b"]}}}]`, "is no condition key"},
		"a Deny with one key twice":       {`"session_deny": [{"Action": ["*"], "Resource": ["*"], "Condition": {"StringEquals": {"aws:ResourceTag/A": ["b"], "aws:resourcetag/a": ["c"]}}}]`, "one condition key"},
		"a Deny with a bad date":          {`"session_deny": [{"Action": ["*"], "Resource": ["*"], "Condition": {"DateGreaterThan": {"aws:CurrentTime": ["soon"]}}}]`, "is no date"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := faulty(t, `decision := {"allow": true, "accesses": [`+allowed+`], `+tt.more+`}`)
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Decide(t.Context(), request("deployment", deleteService(in("us-east-1"))))
			switch {
			case tt.want == "" && (err != nil || !d.Allow):
				t.Errorf("got %+v, %v", d, err)
			case tt.want != "" && (d.Allow || !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %+v, %v; want an ErrPolicy that says %q", d, err, tt.want)
			}
		})
	}
}
