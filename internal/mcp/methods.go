package mcp

import (
	"slices"
	"strings"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/mcp/wire"
)

// treatment is what happens to a method. The zero value refuses.
type treatment int

const (
	refuse  treatment = iota
	relay             // forwarded as it is, at once
	calm              // forwarded as it is, when no credentials are lent on lane 0
	filter            // likewise; the answer is filtered by policy
	decide            // forwarded only if policy allows
	follow            // forwarded only about a task of the client's own, to the server that has it
	handled           // acted upon here, and relayed where it belongs to a forwarded request
)

// clientMethods is every method a client may send: requests and notifications of
// MCP 2024-11-05 to 2026-07-28. A method that is not here is refused.
//
// What makes the server's own code run waits while a call's credentials are
// lent on the same server: nothing else may happen with them.
//
// What goes on after a call was answered is looked at, told and ended by whoever
// made the call, and nobody else: followup.go.
var clientMethods = map[string]treatment{
	"initialize":                       relay,
	"ping":                             relay,
	"server/discover":                  relay,
	"completion/complete":              calm,
	"logging/setLevel":                 relay,
	"prompts/list":                     calm,
	"resources/list":                   calm,
	"resources/templates/list":         calm,
	"resources/unsubscribe":            calm,
	methodListen:                       calm, // but for resources, which are decided: subscribe.go
	"notifications/initialized":        relay,
	"notifications/progress":           relay,
	"notifications/roots/list_changed": relay,

	"tools/list": filter,
	"tasks/list": filter,

	"tools/call":          decide,
	"prompts/get":         decide,
	"resources/read":      decide,
	"resources/subscribe": decide,

	"tasks/get":    follow,
	"tasks/result": follow,
	"tasks/update": follow, // and decided: the task goes on with what it is given
	"tasks/cancel": follow,

	"notifications/cancelled": handled,
}

// earlierTasks and laterTasks are methods of tasks in MCP 2025-11-25 alone, and since
// 2026-07-28: the two share some names, and not what a server may do for them.
var (
	earlierTasks = []string{"tasks/list", "tasks/result"}
	laterTasks   = []string{"tasks/update"}
)

// serverMethods is every request a server may send. Its notifications are all
// relayed: they ask nothing of anyone.
var serverMethods = map[string]treatment{
	"ping":                   relay,
	"roots/list":             relay,
	"sampling/createMessage": relay,
	"elicitation/create":     relay,
}

// treatmentOf looks a client's message up. A request under a notification's
// name, or the other way round, is in no table.
func treatmentOf(m *wire.Message) treatment {
	if (m.Kind == wire.Notification) != strings.HasPrefix(m.Method, "notifications/") {
		return refuse
	}
	if m.ModernVersion && slices.Contains(earlierTasks, m.Method) || !m.ModernVersion && slices.Contains(laterTasks, m.Method) {
		return refuse
	}
	return clientMethods[m.Method]
}
