package mcp

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

const (
	manageTool = `{"name":"ecs_resource_management","description":"Call \"one\" operation.","inputSchema":{}}`
	guideTool  = `{"name":"containerize_app","description":"Guidance.","inputSchema":{}}`
)

// list asks for the tools with a server that offers these two.
func (tb *table) list(id int) string {
	tb.t.Helper()
	tb.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/list"}`, id))
	tb.get()
	tb.tell(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"tools":[%s , %s]}}`, id, manageTool, guideTool))
	return tb.hear()
}

func identity(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func TestOnlyWhatIAMDeniesWhollyIsHidden(t *testing.T) {
	boundary := identity(`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ecs:*","Resource":"*"%s}`)
	tests := []struct {
		name, identity, boundary, rego string
		shown                          bool // ecs_resource_management
	}{
		{"an Allow whose condition may hold", identity(`{"Effect":"Allow","Action":"ecs:ListClusters","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/A":"b"}}}`), "", "", true},
		{"an Allow whose condition never held yet", identity(`{"Effect":"Allow","Action":"ecs:ListClusters","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}`), "", "", true},
		{"a Deny with a condition", allowAll, fmt.Sprintf(boundary, `,"Condition":{"StringEquals":{"aws:ResourceTag/A":"b"}}`), "", true},
		{"a Deny of everything", allowAll, fmt.Sprintf(boundary, ""), "", false},
		{"nothing of ECS", identity(`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`), "", "", false},
		{"a guardrail that denies every call", allowAll, "", "package ecsmcp.guardrails.never\n\n" +
			`deny contains {"code": "never", "title": "t", "message": "m"} if input.call.method == "tools/call"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tb := converse(t, "own", ownPolicy(t, tt.identity, tt.boundary, tt.rego))
			got := tb.list(1)
			if strings.Contains(got, manageTool) != tt.shown {
				t.Errorf("listed %s", got)
			}
			wants(t, got, guideTool) // touches no AWS API: up to the mcp document alone
			// What is shown is decided all the same.
			tb.say(manage(2, "DeleteCluster", `{"cluster":"staging"}`))
			if tt.rego != "" {
				wants(t, tb.hear(), "guardrail never")
			}
			if !tt.shown {
				wants(t, tb.hear(), "Unknown tool")
			}
		})
	}
}

func TestTheListFollowsPolicy(t *testing.T) {
	var closed atomic.Bool
	all, none := ownEngine(t, allowAll, "", ""), ownEngine(t, identity(`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`), "", "")
	tb := converse(t, "own", func(g *Gate) {
		g.Caller.Persona = "own"
		g.Policy = func(context.Context) (Decider, error) {
			if closed.Load() {
				return none, nil
			}
			return all, nil
		}
	})
	for i, want := range []bool{true, false, true} {
		closed.Store(!want)
		if got := tb.list(i); strings.Contains(got, manageTool) != want {
			t.Errorf("policy %d: listed %s", i, got)
		}
	}
}

func TestTheOperationsThatAreOpenAreListedIfAskedFor(t *testing.T) {
	some := identity(`{"Effect":"Allow","Action":["ecs:List*","ecs:DeleteService"],"Resource":"*"},{"Effect":"Deny","Action":"ecs:ListTasks","Resource":"*"}`)
	tb := converse(t, "own", func(g *Gate) {
		ownPolicy(t, some, "", "")(g)
		g.ListOperations = true
	})
	head, tail, _ := strings.Cut(manageTool, `."`)
	got := tb.list(1)
	before, rest, ok := strings.Cut(got, head+`.\n\nPolicy leaves these operations open to you, each call still being decided: `)
	names, after, _ := strings.Cut(rest, `."`)
	if !ok || before != `{"jsonrpc":"2.0","id":1,"result":{"tools":[` || after != tail+`,`+guideTool+`]}}` {
		t.Fatalf("more than the description was changed: %s", got)
	}
	open := strings.Split(names, ", ")
	for name, want := range map[string]bool{"ListClusters": true, "ListServices": true, "DeleteService": true, "ListTasks": false, "DeleteCluster": false, "DescribeServices": false, "UpdateService": false} {
		if has := strings.Contains(", "+names+",", ", "+name+","); has != want {
			t.Errorf("%s is listed: %t, want %t; open are %v", name, has, want, open)
		}
	}
}
