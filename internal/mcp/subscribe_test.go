package mcp

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
)

// A stream of notifications about a resource tells that it exists and when it
// changes, so it is for those who may read it, as resources/subscribe is.
// Source: MCP 2026-07-28, subscriptions.
func TestSubscriptionsToResourcesAreForThoseWhoMayReadThem(t *testing.T) {
	listen := func(notifications string) string {
		return `{"jsonrpc":"2.0","id":"s","method":"subscriptions/listen","params":{"notifications":` + notifications + `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
	}
	const readsA = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"mcp:ReadResource","Resource":"arn:ecs-mcp-proxy:mcp:::awslabs.ecs-mcp-server/resource/file%3A%2F%2F%2Fa"}]}`
	for name, tt := range map[string]struct {
		notifications string
		relayed       bool
		record        string // that the decision is on
	}{
		"to one that may be read":                 {`{"resourceSubscriptions":["file:///a"]}`, true, `"phase":"decision"`},
		"to one that may not":                     {`{"resourceSubscriptions":["file:///b"]}`, false, `"phase":"refusal"`},
		"to one of each":                          {`{"toolsListChanged":true,"resourceSubscriptions":["file:///a","file:///b"]}`, false, `"phase":"refusal"`},
		"to one with a wildcard of the document":  {`{"resourceSubscriptions":["file:///*"]}`, false, `"phase":"refusal"`},
		"to none":                                 {`{"resourceSubscriptions":[]}`, true, ""},
		"to lists only":                           {`{"promptsListChanged":true}`, true, ""},
		"under a name that folds onto the known":  {`{"resourcesubscriptions":["file:///b"]}`, false, `"class":"unreadable"`},
		"named twice":                             {`{"resourceSubscriptions":["file:///a"],"resourceSubscriptions":["file:///b"]}`, false, `"class":"unreadable"`},
		"to what is no list":                      {`{"resourceSubscriptions":"file:///b"}`, false, `"class":"unreadable"`},
		"to what is no text":                      {`{"resourceSubscriptions":["file:///a",null]}`, false, `"class":"unreadable"`},
		"in what is no object":                    {`["resourceSubscriptions"]`, false, `"class":"unreadable"`},
		"to more than are decided at once":        {`{"resourceSubscriptions":[` + strings.Repeat(`"file:///a",`, 100) + `"file:///a"]}`, false, `"class":"unreadable"`},
		"to one whose name is too long to decide": {`{"resourceSubscriptions":["` + strings.Repeat("a", 2000) + `"]}`, false, `"class":"argument"`},
	} {
		t.Run(name, func(t *testing.T) {
			tb := converse(t, "reader", mcpPolicy(t, readsA))
			tb.say(listen(tt.notifications))
			if tt.relayed {
				wants(t, tb.get(), `"method":"subscriptions/listen"`, tt.notifications)
			} else {
				wants(t, tb.hear(), `"error"`)
			}
			tb.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
			wants(t, tb.get(), `"ping"`) // and nothing before it
			b, err := os.ReadFile(tb.auditFile)
			check(t, err)
			if got := string(b); !strings.Contains(got, tt.record) || tt.record == "" && got != "" {
				t.Errorf("on record: %s", got)
			}
		})
	}
}

// mcpPolicy makes the gate ask a policy with one document for MCP and none for AWS.
func mcpPolicy(t *testing.T, document string) func(*Gate) {
	t.Helper()
	d, err := policy.ReadDocument("mcp", []byte(document))
	check(t, err)
	e, err := policy.New(t.Context(), map[string]policy.Persona{"own": {MCP: []policy.Document{d}}})
	check(t, err)
	return func(g *Gate) {
		g.Caller.Persona = "own"
		g.Policy = func(context.Context) (Decider, error) { return e, nil }
	}
}
