package mcp

import (
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
)

// Only team web's services may be deleted.
const ownerRego = `package ecsmcp.guardrails.owner

deny contains reason if {
	input.actions["ecs:deleteservice"] == true
	some access in input.accesses
	access.action == "ecs:DeleteService"
	not access.context["aws:ResourceTag/Team"] == "web"
	reason := {"code": "owner", "title": "Owner", "message": "not team web's", "needs": needs(access)}
}

needs(access) := ["aws:resourcetag/TEAM"] if {
	"aws:ResourceTag/*" in access.unknown
} else := []
`

// Whatever policy read a tag for, AWS reads it again when the grant is used.
func TestATagThatFlipsBetweenCheckAndUseIsRefusedByAWS(t *testing.T) {
	allowStaging := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:DeleteService","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Environment":"staging"}}}]}`
	denyProduction := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ecs:DeleteService","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"aws:ResourceTag/Environment":"production"}}}]}`
	denyFrozen := strings.Replace(denyProduction, `"aws:ResourceTag/Environment":"production"`, `"aws:ResourceTag/Frozen":"yes"`, 1)
	tests := []struct {
		name, identity, boundary, rego string
		key, value                     string // what the tag becomes
	}{
		{"an Allow's condition", allowStaging, "", "", "Environment", "production"},
		{"a boundary's Deny", allowAll, denyProduction, "", "Environment", "production"},
		{"a Deny by a tag that was absent", allowAll, denyFrozen, "", "Frozen", "yes"},
		{"a guardrail", allowAll, "", ownerRego, "Team", "payments"},
	}
	for _, tt := range tests {
		for _, flips := range []bool{false, true} {
			t.Run(tt.name+map[bool]string{true: ", and the tag flips", false: ", and it stays"}[flips], func(t *testing.T) {
				// Its reviewed policy alone: no built-in guardrail may stand in for the pin.
				tb := converse(t, "own", ownPolicy(t, tt.identity, tt.boundary, tt.rego))
				tb.aws.SetTag(stagingService, "Team", "web")
				tb.say(manage(1, "DeleteService", deleteStaging))
				tb.get()
				if flips {
					tb.aws.SetTag(stagingService, tt.key, tt.value)
				}
				err := tb.deleteStaging()
				if flips && (err == nil || !strings.Contains(err.Error(), "AccessDenied")) {
					t.Errorf("AWS let the call go ahead on what was not decided: %v\n%s", err, tb.records(1)[0].Grant.SessionPolicy)
				}
				if !flips && err != nil {
					t.Errorf("AWS refused what was decided: %v\n%s", err, tb.records(1)[0].Grant.SessionPolicy)
				}
			})
		}
	}
}

// The same with what is shipped: persona, boundary and every guardrail. A tag
// that is gone at the use is as bad as one that is another.
func TestWhatTheShippedPolicyReadIsCheckedAgainByAWS(t *testing.T) {
	for name, tt := range map[string]struct {
		flip    func(*table)
		refused bool
	}{
		"nothing flips":                    {func(*table) {}, false},
		"another tag comes":                {func(tb *table) { tb.aws.SetTag(stagingService, "Owner", "bob") }, false},
		"the service goes into production": {func(tb *table) { tb.aws.SetTag(stagingService, "Environment", "production") }, true},
		"its tag is taken off":             {func(tb *table) { tb.aws.RemoveTag(stagingService, "Environment") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "deployer", nil)
			tb.say(manage(1, "UpdateService", `{"cluster":"staging","service":"checkout","desiredCount":0}`)) // not of production
			tb.get()
			tt.flip(tb)
			err := tb.updateStaging()
			if tt.refused != (err != nil && strings.Contains(err.Error(), "AccessDenied")) || !tt.refused && err != nil {
				t.Errorf("%v\n%s", err, tb.records(1)[0].Grant.SessionPolicy)
			}
		})
	}
}

func TestAGuardrailsFactIsLookedUpAndDecidedOn(t *testing.T) {
	tb := converse(t, "own", ownPolicy(t, allowAll, "", ownerRego))
	tb.aws.SetTag(stagingService, "Team", "payments")
	tb.say(manage(1, "DeleteService", deleteStaging))
	wants(t, tb.hear(), "guardrail owner: not team web's")
	if n := len(tb.aws.Sessions()); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestAPrefixThatAGuardrailNeedsIsPinnedAsFound(t *testing.T) {
	before := []authz.Access{{Unknown: []string{"aws:ResourceTag/*", "aws:SourceIp"}}, {Context: map[string]authz.Value{"aws:ResourceTag/Team": authz.One("web")}}}
	after := []authz.Access{{Unknown: []string{"aws:SourceIp"}, Context: map[string]authz.Value{"aws:ResourceTag/Team": authz.One("web"), "aws:resourcetag/B": authz.One("b")}}, before[1]}
	first := authz.Decision{Accesses: []authz.AccessResult{{Needs: []string{"aws:ResourceTag/Gone", "aws:resourcetag/team"}}, {}},
		Denies: []authz.Reason{{Needs: []string{"aws:ResourceTag/*", "aws:SourceIp", "aws:ResourceTag/GONE"}}}}
	pins := pinned(before, after, first)
	var got []string
	for _, p := range pins[0] {
		got = append(got, p.Key+"="+p.Value+map[bool]string{true: "(absent)"}[p.Absent])
	}
	if want := "aws:ResourceTag/Gone=(absent) aws:resourcetag/team=web aws:resourcetag/B=b"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
	if len(pins[1]) != 0 {
		t.Errorf("what was known before is pinned: %v", pins[1])
	}
}

// Who may not delete anything is not told of tags that were not looked up.
func TestAGuardrailThatAFactWouldLiftIsNoReasonWhereNoneWouldHelp(t *testing.T) {
	tb := converse(t, "own", ownPolicy(t, identity(`{"Effect":"Allow","Action":"ecs:Describe*","Resource":"*"}`), "", ownerRego))
	tb.say(manage(1, "DeleteService", deleteStaging))
	got := tb.hear()
	wants(t, got, "no statement of the persona's identity policy allows it", "Trying again will not change that")
	if strings.Contains(got, "guardrail") {
		t.Errorf("the client is told %s", got)
	}
	if r := tb.records(1)[0]; len(r.Result.Denies) != 1 {
		t.Errorf("record %+v", r.Result)
	}
}
