package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

func TestShowExplainsWhatAWSRefused(t *testing.T) {
	until := time.Date(2026, 11, 24, 12, 2, 0, 0, time.UTC)
	decision := func(change func(*Record)) Record {
		r := Record{Phase: PhaseDecision, DecisionID: "abc", Class: "allowed",
			Input: &Input{Accesses: []authz.Access{{Action: "ecs:DeleteService", Resource: "arn:aws:ecs:us-east-1:1:service/staging/*"},
				{Action: "ecr:DescribeImages", Resource: "*", Optional: true}}},
			Result: &authz.Decision{Allow: true, Accesses: []authz.AccessResult{{Verdict: authz.Allowed}, {Verdict: authz.ImplicitDeny}}},
			Grant:  &Grant{Role: "arn:aws:iam::1:role/mcp", SessionName: "ecsmcp-abc", Until: until}}
		if change != nil {
			change(&r)
		}
		return r
	}
	refused := func(policy string, explicit bool, change func(*AWSRefusal)) AWSRefusal {
		r := AWSRefusal{Code: "AccessDeniedException", Operation: "DeleteService", Action: "ecs:DeleteService",
			Resource: "arn:aws:ecs:us-east-1:1:service/staging/web", Session: "ecsmcp-abc", Policy: policy, Explicit: explicit}
		if change != nil {
			change(&r)
		}
		return r
	}
	ofImages := func(r *AWSRefusal) {
		r.Action, r.Resource = "ecr:DescribeImages", "arn:aws:ecr:us-east-1:1:repository/web"
	}
	tests := []struct {
		name     string
		decision Record
		refused  AWSRefusal
		after    time.Duration // of the grant's end
		drawn    int           // in vain
		wants    []string
	}{
		{"the role lacks it", decision(nil), refused("identity-based policy", false, nil), -time.Minute, 0,
			[]string{"aws        refused ecs:DeleteService on arn:aws:ecs:us-east-1:1:service/staging/web: no identity-based policy allows it", "AccessDeniedException when the server called DeleteService",
				"the role's own policies do not allow it; the call's grant has it", "next       add ecs:DeleteService to the policies of arn:aws:iam::1:role/mcp"}},
		{"the role denies it", decision(nil), refused("identity-based policy", true, nil), -time.Minute, 0, []string{"explicitly denied in an identity-based policy", "a policy of the role itself denies it"}},
		{"the boundary at AWS", decision(nil), refused("permissions boundary", true, nil), -time.Minute, 0, []string{"the permissions boundary of the role", "change the boundary of arn:aws:iam::1:role/mcp"}},
		{"the organization", decision(nil), refused("service control policy", true, nil), -time.Minute, 0, []string{"outside of the role and of the proxy", "whoever keeps the service control policy"}},
		{"no reason", decision(nil), refused("", false, nil), -time.Minute, 0, []string{"AccessDeniedException, without a reason", "AWS did not say which policy", "look for the session ecsmcp-abc in CloudTrail"}},
		{"an action that the catalogue does not know", decision(nil), refused("session policy", false, func(r *AWSRefusal) { r.Action = "ecs:UpdateService" }), -time.Minute, 0,
			[]string{"ecs:UpdateService is not among the call's accesses", "add it to a catalogue of your own"}},
		{"another resource", decision(nil), refused("session policy", false, func(r *AWSRefusal) { r.Resource = "arn:aws:ecs:us-east-1:1:service/production/web" }), -time.Minute, 0,
			[]string{"decided on arn:aws:ecs:us-east-1:1:service/staging/*, not on this resource", "exactly the resource that is meant"}},
		{"a pin that did not hold", decision(nil), refused("session policy", false, nil), -time.Minute, 0, []string{"with conditions that did not hold: a tag has changed since the proxy looked"}},
		{"what was left out of the grant", decision(nil), refused("session policy", false, ofImages), -time.Minute, 0, []string{"was left out of the grant", "next       nothing, unless"}},
		{"the same in shadow mode, where nothing is", decision(func(r *Record) { r.Mode = "shadow" }), refused("session policy", false, ofImages), -time.Minute, 0, []string{"conditions that did not hold"}},
		{"a fact that changed", decision(nil), refused("session policy", true, nil), -time.Minute, 0, []string{"explicitly denied in a session policy", "a Deny that AWS was to check again at use applied", "look at the resource's tags"}},
		{"a call that outlived its grant", decision(nil), refused("session policy", true, nil), time.Second, 0, []string{"the call outlived its grant, which AWS ends at 2026-11-24T12:02:00Z", "limits.call_timeout"}},
		{"another session", decision(nil), refused("session policy", false, func(r *AWSRefusal) { r.Session = "ECSMCPServerECRSession" }), -time.Minute, 0,
			[]string{"the refused session ECSMCPServerECRSession is not the one that was lent to this call"}},
		{"a call without credentials", decision(func(r *Record) { r.Grant = nil }), refused("", false, nil), -time.Minute, 0, []string{"this call was lent no credentials", "with credentials.delivery: none, what those may do"}},
		{"keys that ended", decision(nil), AWSRefusal{Code: "ExpiredToken"}, time.Second, 0, []string{"aws        refused a request: ExpiredToken\n", "its credentials ended at 2026-11-24T12:02:00Z"}},
		{"keys asked for without a call", decision(nil), AWSRefusal{Code: CodeCredentialRetrieval}, -time.Minute, 3, []string{"asked for credentials when no call was under way"}},
		{"old keys", decision(nil), AWSRefusal{Code: "InvalidClientTokenId", Operation: "ListTasks"}, -time.Minute, 0, []string{"refused ListTasks: InvalidClientTokenId", "kept older ones"}},
		{"no decision", Record{Phase: PhaseOutcome}, refused("session policy", false, nil), 0, 0, []string{"lent no credentials"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outcome := Record{Phase: PhaseOutcome, DecisionID: "abc", Class: "aws-denied", Timestamp: until.Add(tt.after), Message: "AWS refused it", AWS: []AWSRefusal{tt.refused}, DrawsRefused: tt.drawn}
			var b strings.Builder
			if err := Show(&b, []Record{tt.decision, outcome}); err != nil {
				t.Fatal(err)
			}
			for _, want := range append(tt.wants, "outcome    aws-denied", "next  ") {
				if !strings.Contains(b.String(), want) {
					t.Errorf("does not say %q:\n%s", want, b.String())
				}
			}
			if strings.Contains(b.String(), "AWS refused it") {
				t.Errorf("says it twice:\n%s", b.String())
			}
		})
	}
}

func TestAnAccessCoversWhatItsWildcardsDo(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"*", "arn:x"}: true, {"arn:x", "arn:x"}: true, {"arn:x", "arn:xy"}: false, {"arn:*/a/*", "arn:1/a/b"}: true, {"arn:*/a/*", "arn:1/b/a"}: false,
		{"arn:a*a", "arn:a"}: false, {"arn:a*b*c", "arn:abc"}: true, {"arn:a*", "arn:b"}: false,
	} {
		if covers(pair[0], pair[1]) != want {
			t.Errorf("%q: want %t", pair, want)
		}
	}
}
