package mcp

import (
	"slices"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/facts"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

// Fault table: STS. The call is refused before the server hears of it, with a
// class of its own; what to fix is on record, and not told to the client.
func TestWithoutCredentialsTheServerHearsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		failure fakeaws.Failure
		says    string
	}{
		"throttled": {fakeaws.Failure{Code: "Throttling", Message: "Rate exceeded"}, "STS throttles this account in us-east-1 (asked 5 times)"},
		"down":      {fakeaws.Failure{Code: "ServiceUnavailable", Status: 503}, "STS failed with ServiceUnavailable"},
		"refusing":  {fakeaws.Failure{Code: "AccessDenied", Status: 403, Message: "User: arn:aws:iam::123456789012:user/proxy is not authorized to perform: sts:TagSession on resource: x"}, "AWS denies sts:TagSession to arn:aws:iam::123456789012:user/proxy"},
		"expired":   {fakeaws.Failure{Code: "ExpiredToken", Status: 403}, "the proxy's own credentials have expired"},
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "deployer", nil)
			tb.aws.Fail("sts:AssumeRole", -1, tt.failure)
			tb.say(manage(1, "UpdateService", updateStaging))
			answer := tb.hear()
			wants(t, answer, `"isError":true`, "AWS did not lend credentials for it")
			if strings.Contains(answer, tt.says) {
				t.Errorf("the client is told %s", answer)
			}
			record := tb.records(1)[0]
			if record.Class != classCredentials || !strings.Contains(record.Message, tt.says) {
				t.Errorf("recorded as %s: %s", record.Class, record.Message)
			}
			tb.aws.Fail("sts:AssumeRole", 0, fakeaws.Failure{})
			tb.say(manage(2, "UpdateService", updateStaging))
			wants(t, tb.get(), `"id":2`) // and not 1
		})
	}
}

// The proxy's own key signs AssumeRole and look-ups of facts; whatever a call
// does is signed by a key that was lent for it.
func TestTheProxysOwnKeySignsNothingButAssumeRoleAndLookUps(t *testing.T) {
	tb := converse(t, "own", ownPolicy(t, allowAll, "", ownerRego))
	tb.aws.SetTag(stagingService, "Team", "web")
	for id, call := range []string{manage(0, "DescribeServices", readStaging), manage(1, "UpdateService", updateStaging), manage(2, "DeleteService", deleteStaging)} {
		tb.say(call)
		tb.get()
		act := []func() error{tb.describeStaging, tb.updateStaging, tb.deleteStaging}[id]
		if err := act(); err != nil {
			t.Errorf("call %d: %v", id, err)
		}
		tb.tell(`{"jsonrpc":"2.0","id":` + string(rune('0'+id)) + `,"result":{}}`)
		tb.hear()
	}
	lent := map[string]bool{}
	for _, s := range tb.aws.Sessions() {
		lent[s.AccessKeyID] = true
	}
	own, byCalls := append(facts.Actions(), "sts:AssumeRole"), 0
	for _, r := range tb.aws.Requests() {
		switch {
		case lent[r.AccessKeyID]:
			byCalls++
		case !slices.Contains(own, r.Action):
			t.Errorf("the proxy's own key signed %s", r.Action)
		}
	}
	if byCalls != 3 || len(lent) != 3 {
		t.Errorf("%d requests by %d lent keys", byCalls, len(lent))
	}
}

// The first of equal reads costs one request to STS, the others none.
func TestAWarmCallCostsNoTripToSTS(t *testing.T) {
	tb := converse(t, "reader", nil)
	trips := func() (n int) {
		for _, r := range tb.aws.Requests() {
			if r.Service == "sts" {
				n++
			}
		}
		return n
	}
	for id := range 5 {
		tb.say(manage(id, "DescribeServices", readStaging))
		tb.get()
		tb.tell(`{"jsonrpc":"2.0","id":` + string(rune('0'+id)) + `,"result":{}}`)
		tb.hear()
		if n := trips(); n != 1 {
			t.Errorf("after call %d STS was asked %d times", id, n)
		}
	}
}
