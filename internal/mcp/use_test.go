package mcp

import (
	"strings"
	"testing"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
)

// relaying is a gate of one persona in front of the server that AWS manages.
func relaying(t *testing.T, identity, rego string) *table {
	t.Helper()
	return converse(t, "own", func(g *Gate) {
		ownPolicy(t, identity, "", rego)(g)
		managed, err := catalog.Builtin(catalog.Managed)
		check(t, err)
		g.Catalog, g.Delivery, g.NoReuse = managed, grant.DeliverSigV4, true
	})
}

const useOnly = `{"Version":"2012-10-17","Statement":[{"Sid":"Use","Effect":"Allow","Action":"ecs-mcp:UseMcp","Resource":"*"}]}`

func TestWhatIsRelayedIsLentTheUseOfTheServerAndNothingElse(t *testing.T) {
	tb := relaying(t, allowAll, "")
	for range 3 {
		lent, refused, _ := tb.gate.relay(t.Context())
		if refused != nil {
			t.Fatal(refused)
		}
		if !strings.Contains(lent.Policy, `"Action":"ecs-mcp:UseMcp"`) || strings.Contains(lent.Policy, "InvokeReadOnlyTools") || strings.Contains(lent.Policy, "ecs:") {
			t.Errorf("session policy %s", lent.Policy)
		}
		if time.Until(lent.Until) > grant.ReuseWindow {
			t.Errorf("it lasts until %s", lent.Until)
		}
	}
	if lent := tb.aws.Sessions(); len(lent) != 1 {
		t.Errorf("%d sessions for one scope", len(lent))
	}
	records := tb.records(1)
	if len(records) != 1 || records[0].Phase != audit.PhaseDecision || records[0].Input.Method != "initialize" || records[0].Grant == nil ||
		!strings.Contains(records[0].Message, "no call") {
		t.Errorf("records %+v", records)
	}
}

func TestWhatIsRelayedIsDecided(t *testing.T) {
	for _, tt := range []struct {
		name, identity, rego string
		want                 string
	}{
		{"a persona without the action", `{"Version":"2012-10-17","Statement":[{"Sid":"Ecs","Effect":"Allow","Action":["ecs:*","ecs-mcp:InvokeReadOnlyTools"],"Resource":"*"}]}`, "", "ecs-mcp:UseMcp"},
		{"a guardrail that denies it", useOnly, "package ecsmcp.guardrails.closed\n\ndeny contains {\"code\": \"closed\", \"message\": \"The server is closed.\", \"title\": \"t\", \"remedy\": \"r\"} if input.call.server == \"aws.ecs-mcp\"", "The server is closed"},
		{"a guardrail that asks the user about it", useOnly, "package ecsmcp.guardrails.careful\n\nobligation contains {\"kind\": \"confirm\"} if input.account != \"\"", "nobody can be asked about what is only relayed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tb := relaying(t, tt.identity, tt.rego)
			lent, refused, id := tb.gate.relay(t.Context())
			if lent != nil || refused == nil || refused.class != classPolicy || !strings.Contains(refused.client, tt.want) {
				t.Fatalf("lent %v, refused %v", lent, refused)
			}
			if sessions := tb.aws.Sessions(); len(sessions) > 0 {
				t.Errorf("AWS lent %s", sessions[0].Policy)
			}
			if records := tb.records(1); records[0].Phase != audit.PhaseRefusal || records[0].DecisionID != id {
				t.Errorf("records %+v", records)
			}
		})
	}
}

func TestWhatIsRelayedIsNotSentWithoutARecord(t *testing.T) {
	tb := relaying(t, useOnly, "")
	tb.gate.Record = failing{}
	if lent, refused, _ := tb.gate.relay(t.Context()); lent != nil || refused == nil || refused.class != classAudit {
		t.Errorf("lent %v, refused %v", lent, refused)
	}
}

// failing is a record that cannot be written.
type failing struct{}

func (failing) Append(audit.Record) error { return audit.ErrAudit }
